package io.shelfstream.gallery.paddleclas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.gallery.GalleryHit;
import io.shelfstream.gallery.GalleryState;
import io.shelfstream.gallery.PhotoFilter;
import io.shelfstream.gallery.ProductSearch;
import io.shelfstream.index.FaissIndex;
import io.shelfstream.index.IndexException;
import io.shelfstream.index.Metric;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IndexDirectoryTest {

  private static final float[] EAST = {1, 0};

  @TempDir Path directory;

  private void writeIndex(String type, Metric metric) {
    try (FaissIndex index = FaissIndex.create(type, 2, metric)) {
      index.add(new long[] {0, 1, 2}, FloatBuffer.wrap(new float[] {1, 0, 0, 1, 0.6f, 0.8f}));
      index.write(directory.resolve(IndexDirectory.INDEX));
    }
  }

  private void writeNames(String text) throws IOException {
    Files.writeString(directory.resolve(IndexNames.TEXT), text);
  }

  private static List<String> labels(ProductSearch search) {
    return search.search(List.of(EAST), 3).hits().get(0).stream()
        .map(hit -> hit.entry().label())
        .toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"Flat", "HNSW32"})
  void readsAnIndexWithItsLabels(String type) throws IOException {
    writeIndex(type, Metric.INNER_PRODUCT);
    writeNames("0 cola\n1 tea\n2 oat milk\n");

    try (IndexDirectory index = IndexDirectory.open(directory)) {
      ProductSearch.Result result = index.search(List.of(EAST), 2);

      assertThat(result.hits().get(0).get(0))
          .isEqualTo(new GalleryHit(new GalleryEntry("0", "cola", "cola", null, Map.of()), 1f));
      assertThat(labels(index)).containsExactly("cola", "oat milk", "tea");
      assertThat(index.state()).isEqualTo(new GalleryState(Map.of(), 3, type));
      assertThat(index.dimension()).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "cola                     | 0            | cola",
        "Coca Cola 0.5 l          | 0            | Coca Cola 0.5 l",
        "drink/a.jpg\tCoca Cola   | drink/a.jpg  | Coca Cola",
        "my drink/a b.jpg\tcola   | my drink/a b.jpg | cola",
        "drink/a.jpg\tcola\textra | drink/a.jpg  | cola",
        "drink/a.JPEG cola light  | drink/a.JPEG | cola",
        "可口可乐                  | 0            | 可口可乐"
      })
  void understandsEveryWayOfNaming(String name, String photo, String label) throws IOException {
    writeIndex("Flat", Metric.INNER_PRODUCT);
    writeNames("0 " + name + "\r\n\n1\ttea\n2 milk");

    try (IndexDirectory index = IndexDirectory.open(directory)) {
      assertThat(index.search(List.of(EAST), 1).hits().get(0).get(0).entry())
          .isEqualTo(new GalleryEntry(photo, label, label, null, Map.of()));
    }
  }

  private void writePickle(Map<Long, String> names) throws IOException {
    try (OutputStream out = Files.newOutputStream(directory.resolve(IndexNames.PICKLE))) {
      PickledNames.write(new TreeMap<>(names), out);
    }
  }

  @Test
  void readsAPickleWhereThereIsNoText() throws IOException {
    writeIndex("Flat", Metric.INNER_PRODUCT);
    writePickle(Map.of(0L, "a.jpg\tCoca Cola", 1L, "b.jpg\ttea", 2L, "c.jpg\tmilk"));

    try (IndexDirectory index = IndexDirectory.open(directory)) {
      assertThat(labels(index)).containsExactly("Coca Cola", "milk", "tea");
      assertThat(index.search(List.of(EAST), 1).hits().get(0).get(0).entry().galleryImageId())
          .isEqualTo("a.jpg");
    }
    try (IndexDirectory index = IndexDirectory.open(directory, Labels.FIRST_WORD)) {
      assertThat(labels(index)).containsExactly("Coca", "milk", "tea");
    }
  }

  @Test
  void cutsLabelsAtTheSpacesThatPythonKnows() throws IOException {
    writeIndex("Flat", Metric.INNER_PRODUCT);
    writeNames("0 \u53EF\u4E50\u3000\u5927\n1 oat milk\n2 a.jpg\tb\u00A0c\n");

    try (IndexDirectory index = IndexDirectory.open(directory, Labels.FIRST_WORD)) {
      assertThat(labels(index)).containsExactly("\u53EF\u4E50", "b", "oat");
    }
  }

  @Test
  void aPickleThatWantsToRunCodeIsRefused() throws IOException {
    writeIndex("Flat", Metric.INNER_PRODUCT);
    Path touched = directory.resolve("touched");
    Files.writeString(
        directory.resolve(IndexNames.PICKLE), "cos\nsystem\n(Vtouch " + touched + "\ntR.");

    assertThatThrownBy(() -> IndexDirectory.open(directory))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("GLOBAL 'os system'")
        .hasMessageContaining("python3 -c")
        .hasMessageEndingWith("> id_map.txt");
    assertThat(touched).doesNotExist();

    writeNames("0 cola\n1 tea\n2 milk\n");
    try (IndexDirectory index = IndexDirectory.open(directory)) {
      assertThat(labels(index)).containsExactly("cola", "milk", "tea");
    }
    assertThat(touched).doesNotExist();
  }

  @Test
  void ofTwoFilesTheOneThatFitsCounts() throws IOException {
    writeIndex("Flat", Metric.INNER_PRODUCT);
    writePickle(Map.of(0L, "a.jpg\tcola", 1L, "b.jpg\ttea", 2L, "c.jpg\tmilk"));
    writeNames("0 old\n1 older\n"); // of before an append
    try (IndexDirectory index = IndexDirectory.open(directory)) {
      assertThat(labels(index)).containsExactly("cola", "milk", "tea");
    }

    writePickle(Map.of(0L, "a.jpg\tcola"));
    writeNames("0 cola\n1 tea\n2 milk\n");
    try (IndexDirectory index = IndexDirectory.open(directory)) {
      assertThat(labels(index)).containsExactly("cola", "milk", "tea");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "a.jpg\tCoca Cola | 0 Coca Cola            | Coca Cola",
        "a.jpg\tCoca Cola | 0 Coca                 | Coca Cola",
        "a b.jpg\tCola    | 0 b.jpg                | Cola", // as PaddleClas's conversion cuts it
        "a.jpg\tCoca Cola | 0 a.jpg\tCoca Cola     | Coca Cola",
        "a.jpg\tCoca Cola | 0 Pepsi                | "
      })
  void twoFilesThatFitMustNameTheSameLabels(String name, String line, @Nullable String label)
      throws IOException {
    writeIndex("Flat", Metric.INNER_PRODUCT);
    writePickle(Map.of(0L, name, 1L, "b.jpg\ttea", 2L, "c.jpg\tmilk"));
    writeNames(line + "\n1 tea\n2 milk\n");

    if (label == null) {
      assertThatThrownBy(() -> IndexDirectory.open(directory))
          .hasMessageContaining("id 0 is 'Coca Cola' in id_map.pkl and 'Pepsi' in id_map.txt")
          .hasMessageContaining("delete the file that is out of date");
    } else {
      try (IndexDirectory index = IndexDirectory.open(directory)) {
        assertThat(labels(index).get(0)).isEqualTo(label);
      }
    }
  }

  @Test
  void readsAGtinBehindTheLabel() throws IOException {
    writeIndex("Flat", Metric.INNER_PRODUCT);
    writeNames("0 a.jpg\tcola\t04006381333931\n1 b\ttea\t04006381333930\n2 c\tm\tcam 3\n");

    try (IndexDirectory index = IndexDirectory.open(directory)) {
      assertThat(index.search(List.of(EAST), 3).hits().get(0))
          .extracting(hit -> hit.entry().gtin())
          .containsExactly("04006381333931", null, null);
    }
  }

  @Test
  void saysWhichFileIsMissing() throws IOException {
    assertThatThrownBy(() -> IndexDirectory.open(directory.resolve("nowhere")))
        .hasMessageContaining("no such directory");
    assertThatThrownBy(() -> IndexDirectory.open(directory))
        .hasMessageContaining("vector.index is missing");
    writeIndex("Flat", Metric.INNER_PRODUCT);
    assertThatThrownBy(() -> IndexDirectory.open(directory))
        .hasMessageContaining("id_map.txt is missing");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0 cola\\n1 tea              | holds id 2, which id_map.txt does not name",
        "0 cola\\n1 tea\\n2 a\\n1 b  | line 4 names id 1 again",
        "0 cola\\none tea\\n2 a      | line 2 is not 'id label': one tea",
        "0 cola\\n1\\n2 a            | line 2 is not 'id label': 1",
        "0 cola\\n-1 tea\\n2 a       | line 2 is not 'id label': -1 tea",
        "99999999999999999999 a      | line 1 is not 'id label'"
      })
  void refusesNamesThatDoNotFit(String names, String message) throws IOException {
    writeIndex("Flat", Metric.INNER_PRODUCT);
    writeNames(names.replace("\\n", "\n"));

    assertThatThrownBy(() -> IndexDirectory.open(directory))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining(message)
        .hasFieldOrPropertyWithValue("code", IndexException.Code.FILE);
  }

  @Test
  void refusesNamesInAnotherEncoding() throws IOException {
    writeIndex("Flat", Metric.INNER_PRODUCT);
    Files.write(
        directory.resolve(IndexNames.TEXT), "0 M\u00fcsli".getBytes(StandardCharsets.ISO_8859_1));

    assertThatThrownBy(() -> IndexDirectory.open(directory)).hasMessageContaining("not UTF-8");
  }

  @Test
  void refusesDamagedIndexesAndDistances() throws IOException {
    writeNames("0 cola\n1 tea\n2 milk");
    writeIndex("Flat", Metric.L2);
    assertThatThrownBy(() -> IndexDirectory.open(directory)).hasMessageContaining("dist_type IP");

    writeIndex("HNSW32", Metric.INNER_PRODUCT);
    byte[] whole = Files.readAllBytes(directory.resolve(IndexDirectory.INDEX));
    Files.write(directory.resolve(IndexDirectory.INDEX), java.util.Arrays.copyOf(whole, 100));
    assertThatThrownBy(() -> IndexDirectory.open(directory))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("vector.index");
  }

  @Test
  void refusesSearchesOnceClosed() throws IOException {
    writeIndex("Flat", Metric.INNER_PRODUCT);
    writeNames("0 cola\n1 tea\n2 milk");
    IndexDirectory index = IndexDirectory.open(directory);

    index.close();

    assertThatThrownBy(() -> index.search(List.of(EAST), 1)).isInstanceOf(IndexException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Flat", "HNSW32"})
  void scalesVectorsOfAnyLength(String type) throws IOException {
    try (FaissIndex index = FaissIndex.create(type, 2, Metric.INNER_PRODUCT)) {
      index.add(new long[] {0, 1, 2}, FloatBuffer.wrap(new float[] {20, 0, 0, 2e-3f, 60, 80}));
      index.write(directory.resolve(IndexDirectory.INDEX));
    }
    writeNames("0 cola\n1 tea\n2 oat milk\n");

    try (IndexDirectory index = IndexDirectory.open(directory)) {
      assertThat(index.search(List.of(EAST), 3).hits().get(0))
          .extracting(GalleryHit::score)
          .containsExactly(1f, 0.6f, 0f);
    }
    assertThatThrownBy(() -> IndexDirectoryWriter.change(directory).close())
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("only read: build it again");
  }

  @ParameterizedTest
  @CsvSource({"0, id 1", "NaN, vector value 3 is nan"})
  void refusesAVectorWithoutADirection(float value, String named) throws IOException {
    writeIndex("Flat", Metric.INNER_PRODUCT);
    writeNames("0 cola\n1 tea\n2 oat milk\n");
    Path file = directory.resolve(IndexDirectory.INDEX);
    byte[] bytes = Files.readAllBytes(file);
    java.nio.ByteBuffer patched =
        java.nio.ByteBuffer.wrap(bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at + 24 <= bytes.length; at++) { // the six floats of writeIndex
      if (patched.getFloat(at) == 1f
          && patched.getFloat(at + 12) == 1f
          && patched.getFloat(at + 16) == 0.6f) {
        patched.putFloat(at + 12, value);
      }
    }
    Files.write(file, bytes);

    assertThatThrownBy(() -> IndexDirectory.open(directory).close())
        .isInstanceOf(IndexException.class)
        .hasMessageContaining(named);
  }

  @Test
  void findsTheRunnerUpBehindManyEqualRows() throws IOException {
    float[] rows = new float[4000];
    long[] ids = new long[2000];
    StringBuilder names = new StringBuilder();
    for (int i = 0; i < ids.length; i++) {
      ids[i] = i;
      rows[2 * i] = 1;
      names.append(i).append(i < 1990 ? " A\n" : " B\n");
    }
    try (FaissIndex index = FaissIndex.create("Flat", 2, Metric.INNER_PRODUCT)) {
      index.add(ids, FloatBuffer.wrap(rows));
      index.write(directory.resolve(IndexDirectory.INDEX));
    }
    writeNames(names.toString());

    try (IndexDirectory index = IndexDirectory.open(directory)) {
      assertThat(index.search(List.of(EAST), 50, 2, PhotoFilter.NONE).hits().get(0))
          .extracting(hit -> hit.entry().productId())
          .contains("A", "B");
    }
  }
}
