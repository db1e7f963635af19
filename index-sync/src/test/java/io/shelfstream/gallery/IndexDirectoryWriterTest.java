package io.shelfstream.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.events.GalleryVector;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
