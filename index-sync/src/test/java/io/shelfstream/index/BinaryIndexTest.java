package io.shelfstream.index;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BinaryIndexTest {
  private static final int BITS = 64;
  private static final int ROWS = 300;

  @TempDir Path folder;
  private final float[][] rows = new float[ROWS][];

  /** Ids are 7 times the number of the row. */
  private Path written(String type) {
    Random random = new Random(5);
    Path file = folder.resolve("vector.index");
    try (FaissIndex index = FaissIndex.create("Flat", BITS, Metric.INNER_PRODUCT)) {
      for (int i = 0; i < ROWS; i++) {
        rows[i] = TestVectors.unit(random, BITS);
        index.add(new long[] {7L * i}, FloatBuffer.wrap(rows[i]));
      }
      BinaryIndex.write(file, type, index);
    }
    return file;
  }

  private static int distance(float[] a, float[] b) {
    int different = 0;
    for (int i = 0; i < a.length; i++) {
      if (a[i] > 0 != b[i] > 0) {
        different++;
      }
    }
    return different;
  }

  @ParameterizedTest
  @ValueSource(strings = {"BFlat", "BHNSW8", "BIVF16"})
  void theNearestCodeIsFoundWithItsDistance(String type) {
    Path file = written(type);
    assertThat(BinaryIndex.is(file)).isTrue();
    BinaryIndex.Read read = BinaryIndex.read(file);
    try (FaissIndex index = read.vectors()) {
      assertThat(read.type()).isEqualTo(type);
      assertThat(index.size()).isEqualTo(ROWS);
      assertThat(index.dimension()).isEqualTo(BITS);
      Random random = new Random(6);
      for (int q = 0; q < 50; q++) {
        float[] query = TestVectors.unit(random, BITS);
        float[] bits = new float[BITS];
        for (int i = 0; i < BITS; i++) {
          bits[i] = (float) ((query[i] > 0 ? 1 : -1) / Math.sqrt(BITS));
        }
        int nearest = Arrays.stream(rows).mapToInt(row -> distance(row, query)).min().orElseThrow();

        Neighbor found = index.search(FloatBuffer.wrap(bits), 1)[0][0];

        assertThat(found.score()).isEqualTo(1 - 2f * nearest / BITS);
        assertThat(distance(rows[(int) found.id() / 7], query)).isEqualTo(nearest);
      }
    }
  }

  @Test
  void writesWhatFaissWrites() throws IOException {
    Path file = folder.resolve("vector.index");
    try (FaissIndex index = FaissIndex.create("Flat", 16, Metric.INNER_PRODUCT)) {
      float[] row = new float[16];
      Arrays.fill(row, -0.25f);
      row[0] = 0.25f;
      row[7] = 0.25f;
      row[9] = 0; // zero is no one
      index.add(new long[] {3}, FloatBuffer.wrap(row));
      BinaryIndex.write(file, "BFlat", index);
    }

    byte[] bytes = Files.readAllBytes(file);
    assertThat(new String(bytes, 0, 4, US_ASCII)).isEqualTo("IBM2");
    // Two codes of one byte, before them their number; behind them one id.
    assertThat(Arrays.copyOfRange(bytes, bytes.length - 16 - 10, bytes.length))
        .containsExactly(
            2, 0, 0, 0, 0, 0, 0, 0, 0x81, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0);
  }

  @Test
  void readsNothing() {
    Path file = folder.resolve("vector.index");
    try (FaissIndex index = FaissIndex.create("Flat", 16, Metric.INNER_PRODUCT)) {
      BinaryIndex.write(file, "BFlat", index);
    }
    try (FaissIndex index = BinaryIndex.read(file).vectors()) {
      assertThat(index.size()).isZero();
    }
    assertThat(BinaryIndex.is(folder.resolve("none"))).isFalse();
    assertThatThrownBy(() -> BinaryIndex.read(folder.resolve("none")))
        .isInstanceOf(IndexException.class)
        .hasFieldOrPropertyWithValue("code", IndexException.Code.FILE);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"Flat", "BHash8", "BHNSW0", "BHNSW1000", "BIVF0", "BIVF400", "BFlat,x", "B"})
  void refusesTypesThatThereAreNot(String type) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> written(type))
        .withMessageStartingWith("index type " + type + " refused");
    assertThat(folder).isEmptyDirectory();
  }

  /** Read or refused: nothing else may happen to the process, whatever the bytes are. */
  @ParameterizedTest
  @ValueSource(strings = {"BFlat", "BHNSW8", "BIVF16"})
  void damagedFilesAreReadOrRefused(String type) throws IOException {
    byte[] whole = Files.readAllBytes(written(type));
    Path file = folder.resolve("damaged.index");
    Random random = new Random(type.hashCode());
    int refused = 0;
    for (int i = 0; i < 1500; i++) {
      byte[] bytes = whole.clone();
      // Most sizes and counts stand at the front.
      int range = random.nextBoolean() ? Math.min(200, bytes.length) : bytes.length;
      for (int change = random.nextInt(4); change >= 0; change--) {
        bytes[random.nextInt(range)] = (byte) random.nextInt(256);
      }
      if (random.nextInt(4) == 0) {
        bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length));
      }
      Files.write(file, bytes);
      try {
        BinaryIndex.read(file).vectors().close();
      } catch (IndexException e) {
        refused++;
      }
    }
    assertThat(refused).isBetween(300, 1500);
  }
}
