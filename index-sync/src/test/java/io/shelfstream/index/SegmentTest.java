package io.shelfstream.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The Java side of segments; what they find is tested in C++ and through the gallery. */
class SegmentTest {

  private static final int DIMENSION = 16;
  private static final FloatBuffer ROWS = TestVectors.units(1, 100, DIMENSION);

  private static FloatBuffer row(int number) {
    return ROWS.duplicate().position(number * DIMENSION).limit((number + 1) * DIMENSION);
  }

  @Test
  void namesTheSegmentAndThePositionOfANeighbour() {
    try (Segment first = Segment.block(DIMENSION, 100);
        Segment second = Segment.index(IndexType.of("Flat"), DIMENSION, 50)) {
      first.append(ROWS.duplicate().limit(50 * DIMENSION));
      second.append(ROWS.duplicate().position(50 * DIMENSION));
      List<Segment.View> views = List.of(new Segment.View(first, 50), new Segment.View(second, 50));

      Neighbor found = Segment.search(views, 1, false, row(77), 3)[0][0];

      assertThat(Segment.view(found.id())).isEqualTo(1);
      assertThat(Segment.position(found.id())).isEqualTo(27);
      assertThat(found.score()).isGreaterThan(0.999f);
      second.markDeleted(27, 1);
      assertThat(Segment.search(views, 1, false, row(77), 1)[0][0].score()).isLessThan(0.999f);
      Neighbor again = Segment.search(views, 0, false, row(77), 1)[0][0];
      assertThat(again.id()).isEqualTo(found.id());
      // Sums are added up in another order, which on ARM rounds otherwise.
      assertThat(again.score()).isCloseTo(found.score(), within(1e-6f));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"Flat", "HNSW8", "IVF4,Flat"})
  void takesTrainingAndRowsFromOthers(String type) {
    try (Segment block = Segment.block(DIMENSION, 100);
        Segment index = Segment.index(IndexType.of(type), DIMENSION, 2)) {
      block.append(ROWS);

      index.trainFrom(block);
      index.appendFrom(block, new int[] {99, 5});

      float[] last = new float[DIMENSION];
      index.copy(new int[] {0}).get(last);
      assertThat(FloatBuffer.wrap(last)).isEqualTo(row(99));
      try (Segment like = index.like(1)) {
        like.append(row(3));
        assertThat(like.copy(new int[] {0})).isEqualTo(row(3));
      }
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    try (Segment block = Segment.block(DIMENSION, 2)) {
      block.append(row(0));
      List<Segment.View> view = List.of(new Segment.View(block, 1));

      assertThatIllegalArgumentException()
          .isThrownBy(() -> block.append(ROWS.duplicate().limit(2 * DIMENSION)))
          .withMessageContaining("there is room for 1");
      assertThatIllegalArgumentException().isThrownBy(() -> block.append(FloatBuffer.allocate(3)));
      assertThatIllegalArgumentException().isThrownBy(() -> block.markDeleted(1, 1));
      assertThatIllegalArgumentException().isThrownBy(() -> block.copy(new int[] {1}));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Segment.search(view, 0, false, FloatBuffer.allocate(DIMENSION), 1));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Segment.search(view, 0, false, row(0), 0));
      assertThatIllegalArgumentException()
          .isThrownBy(
              () -> Segment.search(List.of(new Segment.View(block, 2)), 0, false, row(0), 1));
      assertThatIllegalArgumentException().isThrownBy(() -> Segment.block(0, 1));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Segment.index(IndexType.of("SQ8"), DIMENSION, 1));
    }
  }

  @Test
  void countsWhatIsOpenAndRefusesWhatIsClosed() throws Exception {
    Await.noOpenSegments();
    Segment block = Segment.block(DIMENSION, 2);
    block.append(row(0));
    assertThat(Segment.open()).isEqualTo(1);

    block.close();
    block.close();

    assertThat(Segment.open()).isZero();
    assertThatThrownBy(() -> block.append(row(1)))
        .isInstanceOf(IndexException.class)
        .hasFieldOrPropertyWithValue("code", IndexException.Code.CLOSED);
    assertThatThrownBy(
            () -> Segment.search(List.of(new Segment.View(block, 1)), 0, false, row(0), 1))
        .isInstanceOf(IndexException.class);
  }

  @Test
  void takesRowsFromAFileInAnyOrder() throws IOException {
    try (Segment block = Segment.block(DIMENSION, 100)) {
      Segment.Filling filling = block.fill(new int[] {100}, 1e-3);
      filling.take(
          60,
          40,
          40,
          rows -> rows.order(ByteOrder.nativeOrder()).asFloatBuffer().put(rowsFor(rows, 60)));
      assertThatThrownBy(filling::finish).isInstanceOf(IllegalStateException.class);
      int[] next = {0};
      filling.take(
          0,
          60,
          7,
          rows -> {
            rows.order(ByteOrder.nativeOrder()).asFloatBuffer().put(rowsFor(rows, next[0]));
            next[0] += rows.remaining() / Float.BYTES / DIMENSION;
          });
      filling.finish();
      List<Segment.View> all = List.of(new Segment.View(block, 100));
      assertThat(Segment.search(all, 1, false, row(17), 1)[0][0].id()).isEqualTo(17);
    }
    try (Segment block = Segment.block(DIMENSION, 1)) {
      Segment.Filling filling = block.fill(new int[] {1}, 1e-3);
      assertThatThrownBy(() -> filling.take(0, 1, 1, rows -> {}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("its length is 0");
    }
  }

  private static FloatBuffer rowsFor(ByteBuffer place, int first) {
    int values = place.remaining() / Float.BYTES;
    return ROWS.duplicate().position(first * DIMENSION).limit(first * DIMENSION + values);
  }
}
