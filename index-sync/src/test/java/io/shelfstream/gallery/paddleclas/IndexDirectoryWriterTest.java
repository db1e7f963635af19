package io.shelfstream.gallery.paddleclas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.Embeddings;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.index.FaissIndex;
import io.shelfstream.index.IndexException;
import io.shelfstream.index.Metric;
import io.shelfstream.index.TestVectors;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IndexDirectoryWriterTest {

  @TempDir Path folder;

  private static GalleryVector photo(String id, String label, float... embedding) {
    return GalleryVector.newBuilder()
        .setGalleryImageId(id)
        .setProductId("p")
        .setLabel(label)
        .setEmbedding(Embeddings.encode(embedding))
        .setDimension(embedding.length)
        .setExtractor("net@1")
        .setSourceOffset(0)
        .build();
  }

  @ParameterizedTest
  @ValueSource(strings = {"Flat", "HNSW32"})
  void writesWhatIndexDirectoryReads(String type) throws Exception {
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.create(folder, type, 2, null)) {
      for (int i = 0; i < 2500; i++) {
        double angle = i / 1000.0;
        writer.add(
            photo(
                "a b/" + i + ".jpg", "Té " + i, (float) Math.cos(angle), (float) Math.sin(angle)));
      }
      writer.finish();
    }

    try (IndexDirectory index = IndexDirectory.open(folder)) {
      assertThat(index.state().size()).isEqualTo(2500);
      assertThat(index.state().indexType()).isEqualTo(type);
      float[] query = {(float) Math.cos(1.234), (float) Math.sin(1.234)};
      GalleryEntry found = index.search(List.of(query), 1).hits().get(0).get(0).entry();
      assertThat(found.galleryImageId()).isEqualTo("a b/1234.jpg");
      assertThat(found.label()).isEqualTo("Té 1234");
    }
  }

  /** Also of what PaddleClas's build_gallery makes that is not written here. */
  private void write(String type, int photos, int dimension) throws Exception {
    Random random = new Random(photos);
    try (FaissIndex index = FaissIndex.create(type, dimension, Metric.INNER_PRODUCT)) {
      FloatBuffer rows = FloatBuffer.allocate(photos * dimension);
      StringBuilder names = new StringBuilder();
      for (int i = 0; i < photos; i++) {
        rows.put(TestVectors.unit(random, dimension));
        names.append("%d photo-%d.jpg\tLabel %d\n".formatted(7 * i, i, i));
      }
      index.train(rows.flip());
      index.add(LongStream.range(0, photos).map(i -> 7 * i).toArray(), rows);
      index.write(folder.resolve(IndexDirectory.INDEX));
      Files.writeString(folder.resolve(IndexNames.TEXT), names);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"Flat", "HNSW16", "IVF8,Flat", "SQfp16", "IVF8,SQfp16"})
  void whatIsWrittenComesBackAndFindsTheSame(String type) throws Exception {
    int dimension = 16;
    write(type, 2500, dimension);

    try (IndexDirectory index = IndexDirectory.open(folder);
        Gallery gallery = new Gallery("Flat", dimension, "net@1")) {
      long offset = 0;
      for (Iterator<GalleryVector> all = index.vectors("net@1"); all.hasNext(); offset++) {
        GalleryVector photo = all.next();
        assertThat(gallery.apply(0, offset, photo.getGalleryImageId(), photo).reason()).isEmpty();
      }

      assertThat(gallery.entries())
          .hasSize(2500)
          .contains(new GalleryEntry("photo-17.jpg", "Label 17", "Label 17", null, Map.of()));
      Random random = new Random(2500);
      for (int i = 0; i < 2500; i++) {
        float[] own = TestVectors.unit(random, dimension);
        if (i % 50 == 0) {
          var hits = gallery.search(List.of(own), 5).hits().get(0);
          assertThat(hits.get(0).entry().galleryImageId()).isEqualTo("photo-" + i + ".jpg");
          assertThat(hits.get(0).score()).isGreaterThan(0.999f);
          if (type.equals("Flat")) {
            assertThat(index.search(List.of(own), 5).hits().get(0)).isEqualTo(hits);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"SQ8", "PQ8", "IVF8,PQ8", "HNSW8,SQ8"})
  void refusesToGiveBackWhatWasNotKept(String type) throws Exception {
    write(type, 500, 16);

    try (IndexDirectory index = IndexDirectory.open(folder)) {
      assertThatThrownBy(() -> index.vectors("net@1"))
          .isInstanceOf(IndexException.class)
          .hasFieldOrPropertyWithValue("code", IndexException.Code.UNSUPPORTED)
          .hasMessageContaining("keeps too little of its vectors");
    }
  }

  @Test
  void namesAVectorThatIsNone() throws Exception {
    write("Flat", 3, 2);
    Path file = folder.resolve(IndexDirectory.INDEX);
    byte[] bytes = Files.readAllBytes(file);
    // Ids come last, 8 bytes each after their number; before them the three vectors of 8 bytes.
    java.util.Arrays.fill(bytes, bytes.length - 32 - 8, bytes.length - 32, (byte) 0);
    Files.write(file, bytes);

    assertThatThrownBy(() -> IndexDirectory.open(folder).close())
        .hasMessageContaining("the vector of id 14 ('photo-2.jpg') has length 0.0");
  }

  @Test
  void picklesTheNamesForPython() throws Exception {
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.create(folder, "Flat", 2, null)) {
      writer.add(photo("a.jpg", "Té", 1, 0));
      writer.finish();
    }

    // pickle.dumps({0: 'a.jpg\tTé'}, 2) loads to the same dict; the opcodes are PEP 307's.
    byte[] expected =
        "\u0080\u0002}(J\0\0\0\0X\u0009\0\0\0a.jpg\tT\u00c3\u00a9u."
            .getBytes(StandardCharsets.ISO_8859_1);
    assertThat(Files.readAllBytes(folder.resolve("id_map.pkl"))).isEqualTo(expected);
  }

  private static GalleryEntry entry(String id, String label) {
    return new GalleryEntry(id, label, label, null, Map.of());
  }

  private static void add(IndexDirectoryWriter writer, int from, int to) throws IOException {
    for (int i = from; i < to; i++) {
      writer.add(entry(i + ".jpg", "Label " + i % 10), vector(i));
    }
  }

  private static float[] vector(int i) {
    return TestVectors.unit(new Random(i), 16);
  }

  private List<String> nearest(int i) {
    try (IndexDirectory index = IndexDirectory.open(folder)) {
      return index.search(List.of(vector(i)), 1).hits().get(0).stream()
          .map(hit -> hit.entry().galleryImageId() + " " + hit.score())
          .toList();
    }
  }

  private static float[] bits(int i) {
    float[] bits = vector(i);
    for (int j = 0; j < bits.length; j++) {
      bits[j] = bits[j] > 0 ? 0.25f : -0.25f; // 1/√16
    }
    return bits;
  }

  @ParameterizedTest
  @ValueSource(strings = {"BFlat", "BHNSW32", "BIVF"})
  void keepsBitsOnlyInABinaryIndex(String type) throws Exception {
    try (IndexDirectoryWriter writer =
        IndexDirectoryWriter.create(folder, type, 16, "net@1-sign")) {
      for (int i = 0; i < 100; i++) {
        writer.add(entry(i + ".jpg", "Label " + i % 10), bits(i));
      }
      writer.finish();
    }
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.change(folder)) {
      assertThat(writer.isBinary()).isTrue();
      writer.add(entry("100.jpg", "Label 0"), bits(100));
      assertThat(writer.remove(photo -> photo.label().equals("Label 3"))).hasSize(10);
      assertThat(writer.finish()).isEqualTo(91);
    }

    try (IndexDirectory index = IndexDirectory.open(folder)) {
      assertThat(index.isBinary()).isTrue();
      assertThat(index.extractor()).contains("net@1-sign");
      assertThat(index.state().indexType()).isEqualTo(type.equals("BIVF") ? "BIVF11" : type);
      assertThat(index.search(List.of(bits(100)), 1).hits().get(0).get(0).score()).isEqualTo(1f);
      assertThat(text()).contains("100 Label 0").doesNotContain("3 Label 3");
    }
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.change(folder)) {
      writer.remove(photo -> true);
      assertThat(writer.finish()).isZero();
    }
    try (IndexDirectory index = IndexDirectory.open(folder)) {
      assertThat(index.size()).isZero();
    }
  }

  @Test
  void bitsAreAMultipleOfEight() {
    assertThatThrownBy(() -> IndexDirectoryWriter.create(folder, "BFlat", 12, null).close())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("multiple of 8");
    assertThatThrownBy(() -> IndexDirectoryWriter.create(folder, "BHash", 16, null).close())
        .isInstanceOf(IllegalArgumentException.class);
  }

  private List<String> text() throws IOException {
    return Files.readAllLines(folder.resolve(IndexNames.TEXT));
  }

  @ParameterizedTest
  @ValueSource(strings = {"Flat", "HNSW32", "IVF", "SQfp16", "HNSW8,SQfp16"})
  void appendsAndRemovesInEveryType(String type) throws Exception {
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.create(folder, type, 16, "net@1")) {
      add(writer, 0, 2000);
      writer.finish();
    }
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.change(folder)) {
      assertThat(writer.extractor()).contains("net@1");
      assertThat(writer.photos()).hasSize(2000).contains(entry("17.jpg", "Label 7"));
      add(writer, 2000, 2100);
      assertThat(writer.finish()).isEqualTo(2100);
    }
    assertThat(text()).hasSize(2100).contains("2099 Label 9");
    assertThat(nearest(2050).get(0)).startsWith("2050.jpg ");

    try (IndexDirectoryWriter writer = IndexDirectoryWriter.change(folder)) {
      assertThat(writer.remove(photo -> photo.label().equals("Label 9"))).hasSize(210);
      assertThat(writer.remove(photo -> photo.galleryImageId().equals("7.jpg")))
          .containsExactly(entry("7.jpg", "Label 7"));
      assertThat(writer.finish()).isEqualTo(1889);
    }
    assertThat(text()).hasSize(1889).doesNotContain("2099 Label 9", "7 Label 7");
    assertThat(nearest(7).get(0)).doesNotStartWith("7.jpg ");
    assertThat(nearest(8).get(0)).startsWith("8.jpg ");
    assertThat(nearest(2098).get(0)).startsWith("2098.jpg ");

    // The largest id was removed, and is not used again.
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.change(folder)) {
      add(writer, 7, 8);
      writer.finish();
    }
    assertThat(text()).hasSize(1890).endsWith("2100 Label 7");
    assertThat(nearest(7).get(0)).startsWith("7.jpg ");
    try (FaissIndex index = FaissIndex.read(folder.resolve(IndexDirectory.INDEX))) {
      assertThat(index.size()).isEqualTo(1890);
      assertThat(index.type()).isEqualTo(type.equals("IVF") ? "IVF250,Flat" : type);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 8, 17})
  void aFewPhotosHaveAtLeastOneList(int photos) throws Exception {
    try (IndexDirectoryWriter writer =
        IndexDirectoryWriter.create(folder, IndexDirectoryWriter.IVF, 16, null)) {
      add(writer, 0, photos);
      writer.finish();
    }

    try (IndexDirectory index = IndexDirectory.open(folder)) {
      assertThat(index.state().indexType()).isEqualTo("IVF" + Math.max(1, photos / 8) + ",Flat");
      assertThat(index.extractor()).isEmpty();
    }
    assertThat(nearest(photos - 1).get(0)).startsWith(photos - 1 + ".jpg ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"Flat", "HNSW32", "IVF"})
  void anIndexThatWasEmptiedTakesPhotosAgain(String type) throws Exception {
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.create(folder, type, 16, "net@1")) {
      add(writer, 0, 20);
      writer.finish();
    }
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.change(folder)) {
      assertThat(writer.remove(photo -> true)).hasSize(20);
      assertThat(writer.finish()).isZero();
    }
    assertThat(nearest(3)).isEmpty();
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.change(folder)) {
      add(writer, 0, 5);
      writer.finish();
    }
    assertThat(text()).startsWith("20 Label 0").hasSize(5);
    assertThat(nearest(3).get(0)).startsWith("3.jpg ");
  }

  @Test
  void aGraphOverCodesCannotBeBuiltAgain() throws Exception {
    write("HNSW8,SQ8", 500, 16);
    byte[] before = Files.readAllBytes(folder.resolve(IndexDirectory.INDEX));

    try (IndexDirectoryWriter writer = IndexDirectoryWriter.change(folder)) {
      assertThat(writer.remove(photo -> photo.label().equals("Label 7"))).hasSize(1);
      assertThatThrownBy(writer::finish)
          .isInstanceOf(IndexException.class)
          .hasFieldOrPropertyWithValue("code", IndexException.Code.UNSUPPORTED);
    }
    assertThat(folder.resolve(IndexDirectory.INDEX)).hasBinaryContent(before);
  }

  @Test
  void theExtractorIsForgottenWhenAnotherProgramWritesTheIndex() throws Exception {
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.create(folder, "Flat", 16, "net@1")) {
      add(writer, 0, 50);
      writer.finish();
    }
    try (IndexDirectory index = IndexDirectory.open(folder)) {
      assertThat(index.extractor()).contains("net@1");
    }

    write("Flat", 50, 16);
    Files.delete(folder.resolve(IndexNames.PICKLE));
    try (IndexDirectory index = IndexDirectory.open(folder)) {
      assertThat(index.extractor()).isEmpty();
    }
  }

  @Test
  void aBuildThatWasCutOffKeepsItsEmbeddings() throws Exception {
    String first = "11".repeat(32);
    String second = "22".repeat(32);
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.create(folder, "Flat", 16, "net@1");
        EmbeddingJournal journal = writer.journal("net@1")) {
      journal.put(first, vector(1));
      journal.put(second, vector(2));
      writer.add(entry("1.jpg", "a"), vector(1));
    }
    Path file = folder.resolve(IndexFiles.DRAFTS).resolve("embeddings");
    byte[] whole = Files.readAllBytes(file);

    Files.write(file, Arrays.copyOf(whole, whole.length - 5)); // killed while it wrote
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.create(folder, "Flat", 16, "net@1");
        EmbeddingJournal journal = writer.journal("net@1")) {
      assertThat(journal.size()).isEqualTo(1);
      assertThat(journal.get(first)).isEqualTo(vector(1));
      assertThat(journal.holds(second)).isFalse();
      journal.put(second, vector(2));
      assertThat(journal.get(second)).isEqualTo(vector(2));
    }
    assertThat(file).hasBinaryContent(whole);

    byte[] damaged = whole.clone();
    damaged[whole.length - 20] ^= 1;
    Files.write(file, damaged);
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.create(folder, "Flat", 16, "net@1");
        EmbeddingJournal journal = writer.journal("net@1")) {
      assertThat(journal.size()).isEqualTo(1);
      assertThat(writer.dimension()).isEqualTo(16);
    }
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.create(folder, "Flat", 16, "net@2");
        EmbeddingJournal journal = writer.journal("net@2")) {
      assertThat(journal.size()).isZero();
      writer.add(entry("1.jpg", "a"), vector(1));
      writer.finish();
    }
    assertThat(file).doesNotExist();
  }

  @Test
  void keepsTheGtinOfAPhoto() throws Exception {
    GalleryEntry photo = new GalleryEntry("a.jpg", "Tea", "Tea", "04006381333931", Map.of());
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.create(folder, "Flat", 16, null)) {
      writer.add(photo, vector(1));
      writer.finish();
    }

    try (IndexDirectory index = IndexDirectory.open(folder)) {
      assertThat(index.entries()).containsExactly(photo);
    }
  }

  @Test
  void refusesWhatTheFormatCannotHold() throws Exception {
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.create(folder, "Flat", 2, null)) {
      for (String label : List.of("x\ty", "x\ny", "", " x", "x ", "x".repeat(20_000))) {
        assertThatThrownBy(() -> writer.add(photo("a", label, 1, 0))).hasMessageContaining("tab");
      }
      assertThatThrownBy(() -> writer.add(photo("", "x", 1, 0))).hasMessageContaining("tab");
      assertThatThrownBy(() -> writer.add(photo("a", "x", 1, 0, 0)))
          .hasMessageContaining("3 values");
    }
  }
}
