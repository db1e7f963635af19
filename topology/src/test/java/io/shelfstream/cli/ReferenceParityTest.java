package io.shelfstream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shelfstream.client.GivenPhoto;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.embedding.PhotoEmbedder;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.image.PixelBox;
import io.shelfstream.recognition.ImageRecognition;
import io.shelfstream.recognition.LoadedModels;
import io.shelfstream.recognition.Recognition;
import io.shelfstream.recognition.Recognition.SeenObject;
import io.shelfstream.recognition.RecognitionModels;
import io.shelfstream.recognition.StageTimes;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The answers of the Python reference pipeline to a few images, and ours. {@code deploy/bench
 * parity --write-expected} writes the expectations; {@code deploy/bench parity} compares many more
 * images.
 */
class ReferenceParityTest {
  private static final double SCORE_TOLERANCE = 1e-3;

  private final Path shared = Path.of(System.getProperty("shelfstream.shared", "../shared"));

  @ParameterizedTest
  @ValueSource(strings = {"real", "exact"})
  void answersAsTheReferenceDoes(String models) throws Exception {
    assumeTrue(
        Files.isDirectory(shared.resolve("models")),
        "skipped: no test models and photos at " + shared);
    JsonNode expected = expected();
    JsonNode wanted = ofModels(expected, models);
    ShelfStreamConfig config =
        ShelfStreamConfig.loadWithModels(
            null,
            Map.of(
                "models.dir",
                shared.resolve("models").resolve(models).toString(),
                "models.threads",
                "2",
                "recognition.profile",
                "pp-shitu",
                "recognition.match.threshold",
                wanted.get("threshold").asText()));

    try (LoadedModels sessions =
            LoadedModels.load(config.models().dir(), config.models().options());
        Gallery gallery = LocalGallery.empty("Flat", 512, sessions.directory().extractorId())) {
      RecognitionModels recognition = RecognitionModels.of(config, sessions, gallery);
      PhotoEmbedder photos = new PhotoEmbedder(recognition);
      LocalGallery.fill(gallery, gallery(expected.get("gallery")), photos);

      for (JsonNode image : wanted.get("images")) {
        byte[] encoded = Files.readAllBytes(shared.resolve(image.get("image").asText()));
        Recognition seen =
            new ImageRecognition(recognition).recognize(encoded, List.of(), new StageTimes());
        assertSame(image, seen);
      }
    }
  }

  private static void assertSame(JsonNode image, Recognition seen) {
    JsonNode objects = image.get("objects");
    assertThat(seen.objects()).as(image.get("image").asText()).hasSize(objects.size());
    for (int i = 0; i < objects.size(); i++) {
      JsonNode theirs = objects.get(i);
      SeenObject ours = seen.objects().get(i);
      JsonNode b = theirs.get("bbox");
      assertThat(ours.box().box())
          .as(image.get("image").asText())
          .isEqualTo(
              new PixelBox(b.get(0).asInt(), b.get(1).asInt(), b.get(2).asInt(), b.get(3).asInt()));
      assertThat(ours.match().best().entry().label()).isEqualTo(theirs.get("rec_docs").asText());
      assertThat((double) ours.match().best().score())
          .isCloseTo(theirs.get("rec_scores").asDouble(), within(SCORE_TOLERANCE));
    }
  }

  private List<GivenPhoto> gallery(JsonNode lines) {
    Path root = shared.resolve("images/grocery");
    List<GivenPhoto> photos = new ArrayList<>();
    for (JsonNode line : lines) {
      String[] fields = line.asText().split("\t", -1);
      photos.add(new GivenPhoto(fields[0], root.resolve(fields[0]), fields[1]));
    }
    return photos;
  }

  private static JsonNode ofModels(JsonNode expected, String models) {
    for (JsonNode wanted : expected.get("cases")) {
      if (wanted.get("models").asText().equals(models)) {
        return wanted;
      }
    }
    throw new AssertionError("No expectations for models " + models);
  }

  private static JsonNode expected() throws Exception {
    try (InputStream in = ReferenceParityTest.class.getResourceAsStream("/parity/expected.json")) {
      return new ObjectMapper().readTree(in);
    }
  }
}
