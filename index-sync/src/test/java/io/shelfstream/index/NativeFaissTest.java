package io.shelfstream.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The edge itself refuses what {@link FaissIndex} would never hand over: it is the last line. */
class NativeFaissTest {

  private final long[] ids = new long[4];
  private final float[] scores = new float[4];
  private final FloatBuffer two = TestVectors.direct(TestVectors.units(1, 2, 4));
  private NativeFaiss index;

  @BeforeEach
  void fill() {
    index = NativeFaiss.create("HNSW8", 4, Metric.INNER_PRODUCT);
    index.add(new long[] {5, 6}, two, 1);
  }

  @AfterEach
  void close() {
    index.close();
  }

  static Stream<FloatBuffer> buffersThatNativeCodeCannotRead() {
    FloatBuffer heap = TestVectors.units(1, 2, 4);
    return Stream.of(
        heap,
        TestVectors.direct(heap).asReadOnlyBuffer(),
        TestVectors.direct(
            heap,
            ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN
                ? ByteOrder.LITTLE_ENDIAN
                : ByteOrder.BIG_ENDIAN));
  }

  @ParameterizedTest
  @MethodSource("buffersThatNativeCodeCannotRead")
  void refusesBuffersItCannotRead(FloatBuffer buffer) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> index.search(buffer, 1, 1, 1, ids, scores))
        .withMessageStartingWith("buffer refused");
    assertThatIllegalArgumentException().isThrownBy(() -> index.add(new long[] {9}, buffer, 1));
    assertThatIllegalArgumentException().isThrownBy(() -> index.train(buffer, 1, 1));
  }

  @Test
  @SuppressWarnings("NullAway") // Nothing but the null is tested here.
  void refusesNull() {
    assertThatThrownBy(() -> index.search(null, 1, 1, 1, ids, scores))
        .isInstanceOf(NullPointerException.class);
    assertThatIllegalArgumentException().isThrownBy(() -> index.search(two, 1, 1, 1, null, scores));
    assertThatIllegalArgumentException().isThrownBy(() -> index.search(two, 1, 1, 1, ids, null));
    assertThatIllegalArgumentException().isThrownBy(() -> index.add(null, two, 1));
    assertThatIllegalArgumentException().isThrownBy(() -> index.remove(null, 1));
  }

  @ParameterizedTest
  @CsvSource({
    "3, 1",
    "1000000000, 1",
    "2147483647, 1",
    "-1, 1",
    "-2147483648, 1",
    "1, 0",
    "1, -1",
    "1, 5",
    "2, 3",
    "1, 2147483647",
    "2147483647, 2147483647"
  })
  void refusesNumbersThatDoNotFitTheMemoryGiven(int n, int k) {
    assertThatIllegalArgumentException().isThrownBy(() -> index.search(two, n, k, 1, ids, scores));
  }

  @Test
  void refusesToReadPastTheBuffer() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> index.search(two.duplicate().position(5), 1, 1, 1, ids, scores))
        .withMessage("vectors need 9 floats, the buffer has 8 and starts at 5");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> index.add(new long[] {7, 8, 9}, two, 1))
        .withMessage("vectors need 12 floats, the buffer has 8 and starts at 0");
  }

  @Test
  void refusesBadNumbersToo() {
    FloatBuffer bad = TestVectors.direct(FloatBuffer.wrap(new float[] {1, 0, Float.NaN, 0}));

    assertThatIllegalArgumentException().isThrownBy(() -> index.search(bad, 1, 1, 1, ids, scores));
    assertThatIllegalArgumentException().isThrownBy(() -> index.add(new long[] {9}, bad, 1));
    assertThatIllegalArgumentException().isThrownBy(() -> index.add(new long[] {-1}, two, 1));
    assertThatIllegalArgumentException().isThrownBy(() -> index.add(new long[] {7, 7}, two, 1));
    assertThatIllegalArgumentException().isThrownBy(() -> index.add(new long[] {7, 5}, two, 1));
    assertThat(index.size()).isEqualTo(2);
  }

  @Test
  void fillsUpWithMinusOne() {
    index.search(two, 1, 4, 1, ids, scores);

    assertThat(ids).containsExactly(5, 6, -1, -1);
  }

  @Test
  void refusesAClosedHandleEvenWhenOthersAreOpen() {
    NativeFaiss other = NativeFaiss.create("Flat", 4, Metric.L2);
    other.close();

    assertThatThrownBy(other::size)
        .isInstanceOf(IndexException.class)
        .hasFieldOrPropertyWithValue("code", IndexException.Code.CLOSED);
    other.close();
    assertThat(index.size()).isEqualTo(2);
  }
}
