package io.shelfstream.detect;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.shelfstream.Golden;
import io.shelfstream.detect.Profile.WholeImage;
import io.shelfstream.image.PixelBox;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which boxes become objects: as the Python reference chooses, and as a shelf needs it. */
class ProfileTest {

  private static PixelBox box(int[] corners) {
    return new PixelBox(corners[0], corners[1], corners[2], corners[3]);
  }

  static Stream<JsonNode> selections() {
    return Golden.stream(Golden.json("choices.json").get("select"));
  }

  @ParameterizedTest
  @MethodSource("selections")
  void selectsAsTheReferenceDoes(JsonNode golden) {
    float[] values = Golden.floats(golden.get("detections"));
    List<Detection> detections = new ArrayList<>();
    for (int i = 0; i < values.length; i += 5) {
      detections.add(
          new Detection(values[i], values[i + 1], values[i + 2], values[i + 3], values[i + 4]));
    }
    int width = golden.get("width").asInt();
    int height = golden.get("height").asInt();

    List<ObjectBox> objects = Profile.PP_SHITU.select(detections, 0.2f, width, height);

    JsonNode expected = golden.get("expected");
    assertThat(objects).hasSize(expected.size());
    for (int i = 0; i < objects.size(); i++) {
      JsonNode wanted = expected.get(i);
      assertThat(objects.get(i))
          .isEqualTo(
              new ObjectBox(
                  box(Golden.ints(wanted)),
                  (float) wanted.get(4).asDouble(),
                  i == objects.size() - 1));
    }
  }

  static Stream<JsonNode> suppressions() {
    return Golden.stream(Golden.json("choices.json").get("suppress"));
  }

  @ParameterizedTest
  @MethodSource("suppressions")
  void suppressesResultsAsTheReferenceDoes(JsonNode golden) {
    List<PixelBox> boxes =
        Golden.stream(golden.get("boxes")).map(Golden::ints).map(ProfileTest::box).toList();

    assertThat(Profile.PP_SHITU.suppress(boxes, Golden.floats(golden.get("scores"))))
        .containsExactly(Golden.ints(golden.get("expected")));
  }

  @Test
  void aShelfKeepsNeighboursThatTouchAndOneOfTwoDoubles() {
    List<Detection> detections =
        List.of(
            new Detection(0.9f, 0, 0, 100, 100),
            new Detection(0.8f, 100, 0, 200, 100),
            new Detection(0.7f, 10, 0, 110, 100), // 0.82 of the first
            new Detection(0.6f, 50, 0, 150, 100)); // a third of either

    assertThat(Profile.SHELF.select(detections, 0.5f, 300, 300))
        .extracting(ObjectBox::detectionScore)
        .containsExactly(0.9f, 0.8f, 0.6f);
  }

  @Test
  void aShelfCutsBoxesToTheImageAndDropsThoseOutside() {
    List<Detection> detections =
        List.of(
            new Detection(0.9f, -10.7f, 5.9f, 40.2f, 400),
            new Detection(0.8f, 300, 0, 400, 100), // begins where the image ends
            new Detection(0.7f, 60, 60, 60.9f, 90)); // no pixel wide

    assertThat(Profile.SHELF.select(detections, 0.5f, 300, 200))
        .containsExactly(new ObjectBox(new PixelBox(0, 5, 40, 200), 0.9f, false));
  }

  @Test
  void aShelfTakesTheWholeImageOnlyWhereNothingWasFound() {
    ObjectBox whole = new ObjectBox(new PixelBox(0, 0, 30, 20), 1, true);

    assertThat(Profile.SHELF.select(List.of(), 0.5f, 30, 20)).containsExactly(whole);
    assertThat(Profile.SHELF.select(List.of(new Detection(0.4f, 0, 0, 9, 9)), 0.5f, 30, 20))
        .containsExactly(whole);
    assertThat(Profile.SHELF.select(List.of(new Detection(0.5f, 0, 0, 9, 9)), 0.5f, 30, 20))
        .containsExactly(new ObjectBox(new PixelBox(0, 0, 9, 9), 0.5f, false));
    assertThat(Profile.PP_SHITU.wholeImage()).isEqualTo(WholeImage.ALWAYS);
  }

  @Test
  void aShelfKeepsItsThreeHundredBest() {
    List<Detection> detections = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      detections.add(new Detection(0.5f + i / 1000f, i * 2, 0, i * 2 + 1, 1));
    }

    List<ObjectBox> objects = Profile.SHELF.select(detections, 0.2f, 1000, 10);

    assertThat(objects).hasSize(300);
    assertThat(objects.get(0).box()).isEqualTo(new PixelBox(798, 0, 799, 1));
    assertThat(objects.get(299).box()).isEqualTo(new PixelBox(200, 0, 201, 1));
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void whatIsNoNumberIsNoBox(float bad) {
    Detection good = new Detection(0.9f, 1, 2, 30, 40);
    List<Detection> detections =
        List.of(
            new Detection(bad, 1, 2, 30, 40),
            new Detection(0.9f, bad, 2, 30, 40),
            new Detection(0.9f, 1, bad, 30, 40),
            new Detection(0.9f, 1, 2, bad, 40),
            new Detection(0.9f, 1, 2, 30, bad),
            good);

    for (Profile profile : List.of(Profile.SHELF, Profile.PP_SHITU)) {
      assertThat(profile.select(detections, 0.5f, 100, 100))
          .filteredOn(object -> !object.wholeImage())
          .containsExactly(new ObjectBox(new PixelBox(1, 2, 30, 40), 0.9f, false));
    }
  }

  @Test
  void aShelfLetsResultsOverlap() {
    PixelBox same = new PixelBox(0, 0, 10, 10);

    assertThat(Profile.SHELF.suppress(List.of(same, same, same), new float[] {0.1f, 0.9f, 0.5f}))
        .containsExactly(0, 1, 2);
  }
}
