package io.shelfstream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shelfstream.gallery.paddleclas.IndexDirectory;
import io.shelfstream.model.Features;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.model.ModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Embeddings as bits, compared by Hamming distance: the bundled models with other properties. */
class HammingTest {
  private static final Path BUNDLED = Path.of("..", "deploy", "models", "bundled-int8");
  private static final Path DEMO = Path.of("..", "deploy", "demo-data");
  private static final String RADIUS = "match.metric=hamming\nmatch.radius=60\n";

  @TempDir Path folder;
  private Path models;
  private Path index;
  private String out = "";
  private String err = "";

  @BeforeEach
  void place() throws IOException {
    models = Files.createDirectories(folder.resolve("models"));
    index = folder.resolve("index");
    for (String file : List.of("detector.onnx", "extractor.onnx")) {
      Files.copy(BUNDLED.resolve(file), models.resolve(file));
    }
    properties(RADIUS);
  }

  /** Those of the bundled models, and others about matches. */
  private void properties(String matches) throws IOException {
    String kept =
        Files.readString(BUNDLED.resolve("model.properties"))
            .lines()
            .filter(line -> !line.startsWith("match."))
            .reduce("", (text, line) -> text + line + "\n");
    Files.writeString(models.resolve("model.properties"), kept + matches);
  }

  private int run(String... arguments) {
    CommandRun run = CommandRun.of(arguments);
    out = run.out();
    err = run.err();
    return run.code();
  }

  @Test
  void anIndexOfBitsIsBuiltAndRecognises() throws Exception {
    List<String> photos =
        Files.readAllLines(DEMO.resolve("gallery.tsv")).stream()
            .filter(line -> line.contains("real-photos"))
            .limit(5)
            .toList();
    Path list = Files.write(folder.resolve("list.txt"), photos);
    String[] build = {
      "gallery",
      "build",
      "--index-dir",
      "" + index,
      "--models",
      "" + models,
      "--index-type",
      "Flat",
      "--image-root",
      "" + DEMO,
      "" + list
    };
    assertThat(run(build)).as(err).isZero();
    try (IndexDirectory opened = IndexDirectory.open(index)) {
      assertThat(opened.isBinary()).isTrue();
      assertThat(opened.state().indexType()).isEqualTo("BFlat");
      assertThat(opened.extractor().orElseThrow()).endsWith("-sign");
    }
    // 256 bits a photo, an id, and what Faiss writes besides.
    assertThat(Files.size(index.resolve("vector.index"))).isLessThan(5 * (32 + 8) + 100);

    String[] first = photos.get(0).split("\t");
    assertThat(
            run(
                "recognize",
                "--models",
                "" + models,
                "--index-dir",
                "" + index,
                "--profile",
                "pp-shitu",
                "--format",
                "json",
                "--set",
                "recognition.match.threshold=-1",
                "" + DEMO.resolve(first[0])))
        .as(err)
        .isZero();
    JsonNode best = new ObjectMapper().readTree(out).get("objects").get(0);
    assertThat(best.get("label").asText()).isEqualTo(first[1]);
    double score = best.get("score").asDouble();
    assertThat(score).isGreaterThan(0.5);
    // 1 - 2 × distance / 256
    assertThat((1 - score) * 128).isCloseTo(Math.rint((1 - score) * 128), within(1e-3));

    // The same folder with models that compare by inner product.
    assertThat(
            run(
                "recognize",
                "--models",
                "" + BUNDLED,
                "--index-dir",
                "" + index,
                "" + DEMO.resolve(first[0])))
        .isEqualTo(2);
    assertThat(err).contains("-sign");
    Files.delete(index.resolve("index.properties")); // as PaddleClas leaves it
    assertThat(
            run(
                "recognize",
                "--models",
                "" + BUNDLED,
                "--index-dir",
                "" + index,
                "" + DEMO.resolve(first[0])))
        .isEqualTo(2);
    assertThat(err).contains("compared by Hamming distance", "match.metric=hamming");
    assertThat(
            run(
                "gallery",
                "build",
                "--index-dir",
                "" + index,
                "--index-type",
                "BFlat",
                "--models",
                "" + BUNDLED,
                "--image-root",
                "" + DEMO,
                "" + list))
        .isEqualTo(2);
    assertThat(err).contains("match.metric=hamming");
  }

  @Test
  void propertiesSayHowFarAMatchMayBe() throws Exception {
    ModelDirectory read = ModelDirectory.read(models);
    assertThat(read.features()).isEqualTo(Features.SIGN);
    // Distances of 60 and 61 of 256 bits score 0.53125 and 0.5234.
    assertThat(read.matchThreshold()).isBetween(0.524f, 0.531f);
    properties(RADIUS + "match.binarize=round\n");
    assertThat(ModelDirectory.read(models).features()).isEqualTo(Features.ROUND);
    assertThat(ModelDirectory.read(models).extractorId()).endsWith("-round");

    refuses("match.metric=hamming\n", "match.radius is missing");
    refuses("match.metric=hamming\nmatch.radius=257\n", "expected a number from 0.0 to 256.0");
    refuses(RADIUS + "match.threshold=0.5\n", "match.threshold: unknown key");
    refuses(RADIUS + "match.binarize=half\n", "expected sign or round");
    refuses("match.metric=L2\nmatch.threshold=0.5\n", "expected ip or hamming");
    refuses(RADIUS + "extractor.dimension=250\n", "needs a multiple of 8");
  }

  private void refuses(String matches, String why) throws IOException {
    properties(matches);
    assertThatThrownBy(() -> ModelDirectory.read(models))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(why);
  }

  @Test
  void bitsAreAsPaddleClasMakesThem() {
    assertThat(Features.SIGN.isOne(1e-6f)).isTrue();
    assertThat(Features.SIGN.isOne(0)).isFalse();
    assertThat(Features.SIGN.isOne(-1)).isFalse();
    assertThat(Features.ROUND.isOne(0.5f)).isTrue();
    assertThat(Features.ROUND.isOne(0.49f)).isFalse();
    assertThat(Features.ROUND.isOne(0)).isFalse();
  }
}
