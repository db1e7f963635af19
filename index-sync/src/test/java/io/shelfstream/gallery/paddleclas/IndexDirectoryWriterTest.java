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
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
    try (IndexDirectoryWriter writer = new IndexDirectoryWriter(folder, type, 2)) {
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
      Files.writeString(folder.resolve(IndexDirectory.NAMES), names);
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
    try (IndexDirectoryWriter writer = new IndexDirectoryWriter(folder, "Flat", 2)) {
      writer.add(photo("a.jpg", "Té", 1, 0));
      writer.finish();
    }

    // pickle.dumps({0: 'a.jpg\tTé'}, 2) loads to the same dict; the opcodes are PEP 307's.
    byte[] expected =
        "\u0080\u0002}(J\0\0\0\0X\u0009\0\0\0a.jpg\tT\u00c3\u00a9u."
            .getBytes(StandardCharsets.ISO_8859_1);
    assertThat(Files.readAllBytes(folder.resolve("id_map.pkl"))).isEqualTo(expected);
  }

  @Test
  void refusesWhatTheFormatCannotHold() throws Exception {
    try (IndexDirectoryWriter writer = new IndexDirectoryWriter(folder, "Flat", 2)) {
      assertThatThrownBy(() -> writer.add(photo("a", "x\ty", 1, 0))).hasMessageContaining("tab");
      assertThatThrownBy(() -> writer.add(photo("a", "x", 1, 0, 0)))
          .hasMessageContaining("3 values");
    }
  }
}
