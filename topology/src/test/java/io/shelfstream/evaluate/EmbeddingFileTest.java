package io.shelfstream.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.client.UsageException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddingFileTest {
  @TempDir Path folder;

  private Path file() {
    return folder.resolve("embeddings.jsonl");
  }

  @Test
  void givesEveryBitBack() throws Exception {
    Random random = new Random(1);
    float[][] embeddings = new float[50][16];
    try (EmbeddingFile out = new EmbeddingFile(file(), "x@1", 16)) {
      for (int i = 0; i < embeddings.length; i++) {
        for (int d = 0; d < 16; d++) {
          embeddings[i][d] = (float) random.nextGaussian() * (d == 0 ? 1e-30f : 1);
        }
        out.put("photo \"ä\" " + i, "sha" + i, embeddings[i]);
      }
    }

    try (EmbeddingFile in = new EmbeddingFile(file(), "x@1", 16)) {
      for (int i = 0; i < embeddings.length; i++) {
        assertThat(in.get("sha" + i)).isEqualTo(embeddings[i]);
      }
      assertThat(in.get("none")).isNull();
    }
    assertThat(Files.readAllLines(file())).hasSize(50);
  }

  @Test
  void keepsThoseOfOtherExtractorsApart() throws Exception {
    try (EmbeddingFile out = new EmbeddingFile(file(), "x@1", 2)) {
      out.put("a", "sha", new float[] {1, 0});
    }
    try (EmbeddingFile out = new EmbeddingFile(file(), "y@2", 3)) {
      assertThat(out.get("sha")).isNull();
      out.put("a", "sha", new float[] {0, 1, 0});
    }

    try (EmbeddingFile in = new EmbeddingFile(file(), "x@1", 2)) {
      assertThat(in.get("sha")).containsExactly(1, 0);
    }
  }

  /** As a run leaves it that was killed. */
  @Test
  void dropsALastLineThatWasCutOff() throws Exception {
    try (EmbeddingFile out = new EmbeddingFile(file(), "x@1", 2)) {
      out.put("a", "sha1", new float[] {1, 0});
      out.put("b", "sha2", new float[] {0, 1});
    }
    String whole = Files.readString(file());
    for (int cut = 1; cut < 70; cut += 17) {
      Files.writeString(file(), whole.substring(0, whole.length() - cut));
      try (EmbeddingFile out = new EmbeddingFile(file(), "x@1", 2)) {
        assertThat(out.get("sha1")).containsExactly(1, 0);
        assertThat(out.get("sha2")).isNull();
        out.put("b", "sha2", new float[] {0, 1});
      }
      assertThat(Files.readString(file())).isEqualTo(whole);
    }
  }

  @Test
  void leavesAFileOfSomethingElseAsItIs() throws Exception {
    for (String other :
        new String[] {"a.jpg\tA\nb.jpg\tB\n", "a.jpg\tA", "{\"x\": 1}\n", "[1]\n"}) {
      Files.writeString(file(), other);

      assertThatThrownBy(() -> new EmbeddingFile(file(), "x@1", 2).close())
          .as(other)
          .isInstanceOf(UsageException.class)
          .hasMessageContaining("line 1")
          .hasMessageContaining("name another file");
      assertThat(Files.readString(file())).isEqualTo(other);
    }
  }

  @Test
  void refusesEmbeddingsOfAnotherLength() throws Exception {
    try (EmbeddingFile out = new EmbeddingFile(file(), "x@1", 2)) {
      out.put("a", "sha1", new float[] {1, 0});
    }

    assertThatThrownBy(() -> new EmbeddingFile(file(), "x@1", 3).close())
        .hasMessageContaining("line 1 has an embedding of 2 values");
  }
}
