package io.shelfstream.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What every exact {@link VectorIndex} does; run for each implementation. */
abstract class VectorIndexContract {

  abstract VectorIndex create(int dimension, Metric metric);

  VectorIndex corners() {
    VectorIndex index = create(2, Metric.INNER_PRODUCT);
    index.add(new long[] {10, 20, 30}, floats(1, 0, 0, 1, 0.6f, 0.8f));
    return index;
  }

  static FloatBuffer floats(float... values) {
    return FloatBuffer.wrap(values);
  }

  static List<Long> idsOf(Neighbor[] hits) {
    return Arrays.stream(hits).map(Neighbor::id).toList();
  }

  @Test
  void findsTheNearestFirstWithItsScore() {
    try (VectorIndex index = corners()) {
      Neighbor[][] hits = index.search(floats(1, 0, 0, 1), 2);

      assertThat(idsOf(hits[0])).containsExactly(10L, 30L);
      assertThat(idsOf(hits[1])).containsExactly(20L, 30L);
      assertThat(hits[0][0].score()).isEqualTo(1f);
      assertThat(hits[0][1].score()).isCloseTo(0.6f, within(1e-6f));
    }
  }

  @Test
  void ranksSquaredDistancesFromTheSmallest() {
    try (VectorIndex index = create(2, Metric.L2)) {
      index.add(new long[] {1, 2}, floats(3, 4, 0, 1));

      Neighbor[] hits = index.search(floats(0, 0), 5)[0];

      assertThat(hits).containsExactly(new Neighbor(2, 1f), new Neighbor(1, 25f));
    }
  }

  @Test
  void ordersTiesBySmallerId() {
    try (VectorIndex index = create(2, Metric.INNER_PRODUCT)) {
      index.add(new long[] {9, 3, 5}, floats(1, 0, 1, 0, 1, 0));

      assertThat(idsOf(index.search(floats(1, 0), 3)[0])).containsExactly(3L, 5L, 9L);
    }
  }

  @Test
  void describesItself() {
    try (VectorIndex index = corners()) {
      assertThat(index.dimension()).isEqualTo(2);
      assertThat(index.size()).isEqualTo(3);
      assertThat(index.type()).isEqualTo("Flat");
      assertThat(index.metric()).isEqualTo(Metric.INNER_PRODUCT);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 4, 8, 9, 64})
  void agreesWithPlainArithmeticOnRandomVectors(int batch) {
    long seed = new Random().nextLong();
    int dimension = 48;
    for (Metric metric : Metric.values()) {
      try (VectorIndex index = create(dimension, metric);
          VectorIndex exact = new FlatIndex(dimension, metric)) {
        index.add(TestVectors.ids(700), TestVectors.units(seed, 700, dimension));
        exact.add(TestVectors.ids(700), TestVectors.units(seed, 700, dimension));
        long[] gone = new Random(seed).longs(50, 0, 800).distinct().toArray();
        assertThat(index.remove(gone)).isEqualTo(exact.remove(gone));
        FloatBuffer queries = TestVectors.units(seed + 1, batch, dimension);

        Neighbor[][] found = index.search(queries, 10);

        Neighbor[][] expected = exact.search(queries, 10);
        for (int q = 0; q < batch; q++) {
          for (int i = 0; i < 10; i++) {
            assertThat(found[q][i].score())
                .as("seed %d, %s, query %d, rank %d", seed, metric, q, i)
                .isCloseTo(expected[q][i].score(), within(1e-5f));
          }
          // Neighbours closer to each other than float rounding may change places.
          assertThat(idsOf(found[q])).as("seed %d", seed).containsAll(clearlyBest(expected[q]));
        }
      }
    }
  }

  private static List<Long> clearlyBest(Neighbor[] hits) {
    List<Long> ids = new ArrayList<>();
    for (int i = 0; i < hits.length - 1; i++) {
      if (Math.abs(hits[i].score() - hits[hits.length - 1].score()) > 1e-4f) {
        ids.add(hits[i].id());
      }
    }
    return ids;
  }

  @Test
  void givesFewerThanKWhenItHoldsFewer() {
    try (VectorIndex index = corners()) {
      assertThat(index.search(floats(1, 0), 100)[0]).hasSize(3);
      assertThat(index.search(floats(1, 0), Limits.MAX_NEIGHBORS)[0]).hasSize(3);
    }
  }

  @Test
  void answersNothingWhenEmpty() {
    try (VectorIndex index = create(2, Metric.INNER_PRODUCT)) {
      Neighbor[][] hits = index.search(floats(1, 0, 0, 1), 5);

      assertThat(hits).hasDimensions(2, 0);
      assertThat(index.search(floats(), 5)).isEmpty();
      assertThat(index.remove(new long[] {1})).isZero();
    }
  }

  @Test
  void takesNoVectorsAtAll() {
    try (VectorIndex index = corners()) {
      index.add(new long[0], floats());

      assertThat(index.size()).isEqualTo(3);
      assertThat(index.search(floats(), 5)).isEmpty();
      assertThat(index.remove(new long[0])).isZero();
    }
  }

  @Test
  void removesByIdAndIgnoresUnknownOnes() {
    try (VectorIndex index = corners()) {
      int removed = index.remove(new long[] {20, 20, 77, -1, Long.MIN_VALUE});

      assertThat(removed).isEqualTo(1);
      assertThat(index.size()).isEqualTo(2);
      assertThat(idsOf(index.search(floats(0, 1), 3)[0])).containsExactly(30L, 10L);
    }
  }

  @Test
  void takesAnIdAgainOnceItIsRemoved() {
    try (VectorIndex index = corners()) {
      index.remove(new long[] {10});
      index.add(new long[] {10}, floats(0, -1));

      assertThat(index.search(floats(0, -1), 1)[0]).containsExactly(new Neighbor(10, 1f));
    }
  }

  @Test
  void isEmptyAndUsableAfterReset() {
    try (VectorIndex index = corners()) {
      index.reset();

      assertThat(index.size()).isZero();
      assertThat(index.search(floats(1, 0), 3)[0]).isEmpty();
      index.add(new long[] {10}, floats(1, 0));
      assertThat(index.size()).isEqualTo(1);
    }
  }

  static Stream<FloatBuffer> buffersOfEveryKind() {
    FloatBuffer heap = floats(9, 9, 0.6f, 0.8f, 9).position(2).limit(4);
    return Stream.of(
        heap,
        heap.slice(),
        heap.asReadOnlyBuffer(),
        TestVectors.direct(heap),
        TestVectors.direct(heap).asReadOnlyBuffer(),
        TestVectors.direct(heap, TestVectors.foreignOrder()),
        TestVectors.direct(floats(9, 9, 0.6f, 0.8f, 9)).position(2).limit(4));
  }

  @ParameterizedTest
  @MethodSource("buffersOfEveryKind")
  void readsAnyBufferFromPositionToLimitAndMovesNeither(FloatBuffer buffer) {
    try (VectorIndex index = corners()) {
      int position = buffer.position();
      int limit = buffer.limit();

      index.add(new long[] {40}, buffer);
      Neighbor[][] hits = index.search(buffer, 2);

      assertThat(idsOf(hits[0])).containsExactly(30L, 40L);
      assertThat(hits).hasNumberOfRows(1);
      assertThat(buffer.position()).isEqualTo(position);
      assertThat(buffer.limit()).isEqualTo(limit);
    }
  }

  @ParameterizedTest
  @ValueSource(
      floats = {
        Float.NaN,
        Float.POSITIVE_INFINITY,
        Float.NEGATIVE_INFINITY,
        Float.MAX_VALUE,
        -0x1p51f
      })
  void refusesNumbersThatAreNoneOrOverflow(float bad) {
    for (Metric metric : Metric.values()) {
      try (VectorIndex index = create(2, metric)) {
        index.add(new long[] {1}, floats(1, 0));

        assertThatIllegalArgumentException()
            .isThrownBy(() -> index.add(new long[] {2, 3}, floats(1, 0, 1, bad)))
            .withMessageStartingWith("vector 1 refused: value 1 is");
        assertThatIllegalArgumentException()
            .isThrownBy(() -> index.search(floats(bad, 0), 1))
            .withMessageStartingWith("vector 0 refused: value 0 is");
        assertThat(index.size()).isEqualTo(1);
      }
    }
  }

  @Test
  void refusesZeroVectorsWhereDirectionCounts() {
    try (VectorIndex index = corners();
        VectorIndex distances = create(2, Metric.L2)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> index.search(floats(0, 0), 1))
          .withMessageContaining("no direction");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> index.add(new long[] {1}, floats(0, -0f)))
          .withMessageContaining("no direction");
      distances.add(new long[] {1}, floats(0, 0));
      assertThat(distances.search(floats(0, 0), 1)[0]).containsExactly(new Neighbor(1, 0f));
    }
  }

  @Test
  void refusesVectorsOfAnotherDimension() {
    try (VectorIndex index = corners()) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> index.search(floats(1, 0, 0), 1))
          .withMessage("dimension 2 expected, got 3 values: not whole vectors");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> index.add(new long[] {1}, floats(1, 0, 0)));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> index.add(new long[] {1}, floats(1, 0, 0, 1)))
          .withMessage("1 ids given for 2 vectors");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> index.add(new long[] {1, 2}, floats(1, 0)));
    }
  }

  @Test
  void refusesBadIdsAndAddsNothingThen() {
    try (VectorIndex index = corners()) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> index.add(new long[] {1, -1}, floats(1, 0, 0, 1)))
          .withMessage("id -1 refused: ids are 0 or larger");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> index.add(new long[] {1, 1}, floats(1, 0, 0, 1)))
          .withMessageStartingWith("id 1 refused");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> index.add(new long[] {1, 20}, floats(1, 0, 0, 1)))
          .withMessageStartingWith("id 20 refused");
      assertThat(index.size()).isEqualTo(3);
      index.add(new long[] {1, Long.MAX_VALUE}, floats(1, 0, 0, 1));
      assertThat(index.size()).isEqualTo(5);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, Integer.MIN_VALUE, Limits.MAX_NEIGHBORS + 1, Integer.MAX_VALUE})
  void refusesAbsurdNumbersOfNeighbors(int k) {
    try (VectorIndex index = corners();
        VectorIndex empty = create(2, Metric.INNER_PRODUCT)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> index.search(floats(1, 0), k))
          .withMessage("k %d is outside 1 to 1048576", k);
      assertThatIllegalArgumentException().isThrownBy(() -> empty.search(floats(1, 0), k));
    }
  }

  @Test
  void refusesMoreResultsThanFitAtOnce() {
    try (VectorIndex index = create(1, Metric.L2)) {
      int count = 5000;
      index.add(TestVectors.ids(count), FloatBuffer.allocate(count));

      assertThatIllegalArgumentException()
          .isThrownBy(() -> index.search(FloatBuffer.allocate(4000), count))
          .withMessage("4000 queries of 5000 neighbours refused: at most 16777216 results at once");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, Limits.MAX_DIMENSION + 1})
  void refusesDimensionsItCannotHave(int dimension) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> create(dimension, Metric.INNER_PRODUCT))
        .withMessage("dimension %d is outside 1 to 65536", dimension);
  }

  @ParameterizedTest
  @EnumSource(Metric.class)
  void writesFilesThatFaissReads(Metric metric, @TempDir Path folder) {
    Path file = folder.resolve("größe.index");
    try (VectorIndex index = create(8, metric)) {
      index.add(TestVectors.ids(30), TestVectors.units(1, 30, 8));
      index.remove(new long[] {4, 5});
      index.write(file);
      index.write(file);
      FloatBuffer queries = TestVectors.units(2, 3, 8);

      try (VectorIndex again = FaissIndex.read(file)) {
        assertThat(again.size()).isEqualTo(28);
        assertThat(again.type()).isEqualTo("Flat");
        assertThat(again.metric()).isEqualTo(metric);
        for (int q = 0; q < 3; q++) {
          assertThat(idsOf(again.search(queries, 28)[q]))
              .isEqualTo(idsOf(index.search(queries, 28)[q]));
        }
      }
    }
    assertThat(folder.toFile().list()).containsExactly("größe.index");
  }

  @Test
  void saysWhichFileItCannotWrite(@TempDir Path folder) {
    Path file = folder.resolve("missing/vector.index");
    try (VectorIndex index = corners()) {
      assertThatThrownBy(() -> index.write(file))
          .isInstanceOf(IndexException.class)
          .hasMessageContaining(file.toString())
          .hasFieldOrPropertyWithValue("code", IndexException.Code.FILE);
    }
  }

  @Test
  void refusesEverythingOnceClosedExceptClosing(@TempDir Path folder) {
    VectorIndex index = corners();

    index.close();
    index.close();

    Stream.<Runnable>of(
            index::dimension,
            index::size,
            index::type,
            index::metric,
            () -> index.add(new long[] {1}, floats(1, 0)),
            () -> index.remove(new long[] {10}),
            () -> index.search(floats(1, 0), 1),
            index::reset,
            () -> index.write(folder.resolve("closed")))
        .forEach(
            call ->
                assertThatThrownBy(call::run)
                    .isInstanceOf(IndexException.class)
                    .hasFieldOrPropertyWithValue("code", IndexException.Code.CLOSED));
    assertThat(folder.toFile().list()).isEmpty();
  }
}
