package io.shelfstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.detect.ObjectBox;
import io.shelfstream.events.MatchStatus;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.gallery.GalleryHit;
import io.shelfstream.gallery.GalleryState;
import io.shelfstream.image.PixelBox;
import io.shelfstream.model.Features;
import io.shelfstream.recognition.Match;
import io.shelfstream.recognition.ModelIds;
import io.shelfstream.recognition.Recognition;
import io.shelfstream.recognition.Recognition.SeenObject;
import io.shelfstream.recognition.StageTimes;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ShituTextTest {
  @Test
  void printsKnownObjectsAsPythonPrintsAListOfDicts() {
    Recognition seen =
        recognition(
            object(-3, MatchStatus.MATCH, "Oat drink", 0.75f),
            object(5, MatchStatus.UNKNOWN, "Milk", 0.1f));

    assertThat(ShituText.write(seen, Features.UNIT))
        .isEqualTo("[{'bbox': [-3, 2, 30, 40], 'rec_docs': 'Oat drink', 'rec_scores': 0.75}]");
  }

  @Test
  void printsTheTimeOfTheDetectorAsTheReferenceDoes() {
    assertThat(ShituText.inference(recognition())).isEqualTo("Inference: 0.0 ms per batch image");
  }

  @Test
  void printsSmallScoresWithoutAnExponentSoThatEveryParserReadsThem() {
    assertThat(
            ShituText.write(
                recognition(object(0, MatchStatus.MATCH, "Milk", 1.25e-5f)), Features.UNIT))
        .contains("'rec_scores': 0.0000125}");
  }

  @Test
  void printsTheDistanceOfBitsAsTheReferenceDoes() {
    // Of two bits one differs: 1 - 2 * 1 / 2.
    assertThat(
            ShituText.write(recognition(object(0, MatchStatus.MATCH, "Milk", 0f)), Features.SIGN))
        .contains("'rec_scores': 1}");
    assertThat(Features.distance((float) (1 - 2 * 37 / 512.0), 512)).isEqualTo(37);
  }

  @Test
  void printsAnEmptyListWhenNothingIsKnown() {
    assertThat(ShituText.write(recognition(), Features.UNIT)).isEqualTo("[]");
  }

  @Test
  void quotesLabelsAsPythonDoes() {
    Recognition seen =
        recognition(
            object(0, MatchStatus.MATCH, "Ben's", 1f), object(0, MatchStatus.MATCH, "a\\b\"'", 1f));

    assertThat(ShituText.write(seen, Features.UNIT))
        .contains("'rec_docs': \"Ben's\"")
        .contains("'rec_docs': 'a\\\\b\"\\''");
  }

  @Test
  void writesEmbeddingsAsJsonWithTheFileNameEscaped() {
    Recognition seen = recognition(object(0, MatchStatus.MATCH, "Milk", 1f));

    assertThat(ShituText.embeddings("a\"b.jpg", seen))
        .isEqualTo(
            "{\"image\":\"a\\\"b.jpg\",\"objects\":[{\"bbox\":[0, 2, 30, 40],\"embedding\":[0.6, 0.8]}]}");
  }

  private static Recognition recognition(SeenObject... objects) {
    return new Recognition(
        100,
        100,
        List.of(objects),
        new GalleryState(Map.of(), 2, "Flat"),
        new ModelIds("boxes@111111111111", "colour@000000000000", "cpu"),
        new StageTimes());
  }

  private static SeenObject object(int x1, MatchStatus status, String label, float score) {
    GalleryEntry entry = new GalleryEntry("photo", label, label, null, Map.of());
    return new SeenObject(
        new ObjectBox(new PixelBox(x1, 2, 30, 40), 0.9f, false),
        new Match(status, List.of(new GalleryHit(entry, score))),
        new float[] {0.6f, 0.8f});
  }
}
