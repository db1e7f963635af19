package io.shelfstream.detect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.shelfstream.Golden;
import io.shelfstream.embed.Crop;
import io.shelfstream.embed.OnnxFeatureExtractor;
import io.shelfstream.image.Image;
import io.shelfstream.image.PixelBox;
import io.shelfstream.image.Tiles;
import io.shelfstream.model.Features;
import io.shelfstream.model.Interpolation;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.model.ModelException;
import io.shelfstream.model.RuntimeOptions;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Boxes and embeddings of both kinds of detector, against the reference's own code. */
class DetectorContractTest {

  private static ModelDirectory tiny(String detector, String extractor) {
    return new ModelDirectory(
        Golden.file("models/" + detector + ".onnx"),
        detector + "@0",
        64,
        Interpolation.CUBIC,
        0.2f,
        Tiles.NONE,
        Golden.file("models/" + extractor + ".onnx"),
        extractor + "@0",
        224,
        Interpolation.LINEAR,
        3,
        true,
        List.of(0.485, 0.456, 0.406),
        List.of(0.229, 0.224, 0.225),
        0.5f,
        0f,
        Features.UNIT);
  }

  private static ModelDirectory withDetector(ModelDirectory models, Path detector) {
    return new ModelDirectory(
        detector,
        models.detectorId(),
        models.detectorInputSize(),
        models.detectorInterpolation(),
        models.detectorScoreThreshold(),
        models.detectorTiles(),
        models.extractorFile(),
        models.extractorId(),
        models.extractorInputSize(),
        models.extractorInterpolation(),
        models.extractorDimension(),
        models.rgb(),
        models.mean(),
        models.std(),
        models.matchThreshold(),
        models.matchMargin(),
        models.features());
  }

  private static Image picture() {
    return Golden.image(Golden.bytes("golden/images/photo.jpg"));
  }

  @Test
  void countedBoxesComeBestFirstAndInPixelsOfTheImage() {
    try (Image image = picture();
        OnnxDetector detector =
            OnnxDetector.load(tiny("peaks", "mean-colour"), RuntimeOptions.cpu(1))) {
      List<Detection> found = detector.detect(List.of(image)).get(0);

      assertThat(found).extracting(Detection::score).containsExactly(0.9f, 0.7f, 0.5f);
      assertThat(found)
          .allSatisfy(
              box -> {
                assertThat(box.y1()).isEqualTo(1);
                assertThat(box.x2()).isEqualTo(50);
                assertThat(box.y2()).isEqualTo(60);
                // The brightest value over the scale of x: 64 model pixels for 333 of the image.
                assertThat(box.x1() * 64 / 333).isBetween(1f, 3f);
              });
    }
  }

  @ParameterizedTest
  @CsvSource({"other-input, im_shape", "mean-colour, expected"})
  void refusesAModelThatIsNoDetector(String model, String named) {
    assertThatThrownBy(
            () -> OnnxDetector.load(tiny(model, "mean-colour"), RuntimeOptions.cpu(1)).close())
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(named);
  }

  @Test
  void refusesAnEmbeddingWithoutALength() {
    try (Image image = picture()) {
      PixelBox whole = new PixelBox(0, 0, image.width(), image.height());
      assertThatThrownBy(
              () -> {
                try (OnnxFeatureExtractor extractor =
                    OnnxFeatureExtractor.load(tiny("peaks", "nothing"), RuntimeOptions.cpu(1))) {
                  extractor.extract(List.of(new Crop(image, whole)));
                }
              })
          .isInstanceOf(ModelException.class);
    }
  }

  static Stream<JsonNode> answers() {
    return Golden.stream(Golden.json("models.json"));
  }

  @ParameterizedTest
  @MethodSource("answers")
  void findsWhatTheReferenceFinds(JsonNode golden) {
    Path directory = Golden.shared("models/" + golden.get("models").asText());
    ModelDirectory models = ModelDirectory.read(directory);
    try (Image image = scene(golden)) {
      assertBoxes(models, image, golden);
      Path heads = directory.resolve("detector-raw-heads.onnx");
      if (heads.toFile().exists()) {
        assertBoxes(withDetector(models, heads), image, golden);
      }
    }
  }

  private static Image scene(JsonNode golden) {
    return Golden.image(
        Golden.bytes(Golden.shared("images/scenes/" + golden.get("image").asText())));
  }

  /** The reference's boxes are cut to whole pixels, which hides up to one. */
  private static void assertBoxes(ModelDirectory models, Image image, JsonNode golden) {
    try (OnnxDetector detector = OnnxDetector.load(models, RuntimeOptions.cpu(1))) {
      List<Detection> found = detector.detect(List.of(image)).get(0);

      JsonNode boxes = golden.get("boxes");
      assertThat(found).hasSizeGreaterThanOrEqualTo(boxes.size());
      for (int i = 0; i < boxes.size(); i++) {
        Detection box = found.get(i);
        assertThat(box.score())
            .isCloseTo((float) golden.get("scores").get(i).asDouble(), within(1e-3f));
        float[] corners = {box.x1(), box.y1(), box.x2(), box.y2()};
        int[] expected = Golden.ints(boxes.get(i));
        for (int corner = 0; corner < 4; corner++) {
          assertThat(corners[corner])
              .as("box %d, corner %d", i, corner)
              .isCloseTo(expected[corner], within(1.5f));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("answers")
  void embedsAsTheReferenceDoes(JsonNode golden) {
    ModelDirectory models =
        ModelDirectory.read(Golden.shared("models/" + golden.get("models").asText()));
    try (Image image = scene(golden);
        OnnxFeatureExtractor extractor = OnnxFeatureExtractor.load(models, RuntimeOptions.cpu(1))) {
      List<Crop> crops =
          Golden.stream(golden.get("crops"))
              .map(Golden::ints)
              .map(c -> new Crop(image, new PixelBox(c[0], c[1], c[2], c[3])))
              .toList();

      List<float[]> embeddings = extractor.extract(crops);

      for (int i = 0; i < crops.size(); i++) {
        float[] expected = Golden.floats(golden.get("embeddings").get(i));
        float[] actual = embeddings.get(i);
        assertThat(actual).hasSameSizeAs(expected);
        double cosine = 0;
        for (int j = 0; j < expected.length; j++) {
          cosine += (double) actual[j] * expected[j];
        }
        assertThat(cosine).as("%s", Arrays.toString(crops.toArray())).isGreaterThan(0.9999);
      }
    }
  }
}
