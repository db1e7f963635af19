package io.shelfstream.config;

import io.shelfstream.detect.Profile;
import io.shelfstream.image.Tiles;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * {@code recognition.*}: how objects are chosen and matched.
 *
 * @param tiles into how many tiles images are cut for the detector, not in profile pp-shitu; empty:
 *     as the model says
 * @param matchThreshold minimum inner product of a match, -1 to 1; empty: as the model says
 * @param matchMargin minimum difference to the score of the second product, 0 to 2; empty: as the
 *     model says
 * @param candidates products reported for an object, at least 1
 * @param searchPhotos gallery photos searched for an object, at least candidates
 * @param filters key: storeId or an attribute of the frame; value: the attribute of photos that
 *     must list its value
 * @param galleryWait longest wait for a gallery version that a frame asks for
 */
public record RecognitionSettings(
    Profile profile,
    Optional<Tiles> tiles,
    Optional<Float> matchThreshold,
    Optional<Float> matchMargin,
    int candidates,
    int searchPhotos,
    Map<String, String> filters,
    Duration galleryWait) {

  private static final Duration LONGEST_WAIT = Duration.ofMinutes(10);
  private static final String CANDIDATES = "recognition.candidates";
  private static final Map<String, Profile> PROFILES =
      Map.of("shelf", Profile.SHELF, "pp-shitu", Profile.PP_SHITU);
  private static final Format<Tiles> TILES =
      new Format<>(
          "auto or a whole number from 1 to " + Tiles.MOST,
          text ->
              text.equals("auto")
                  ? Tiles.AUTO
                  : new Tiles(Formats.wholeNumber(1, Tiles.MOST).parse(text)));

  static RecognitionSettings from(Settings settings) {
    RecognitionSettings read =
        new RecognitionSettings(
            settings.get("recognition.profile", "shelf", Formats.oneOf(PROFILES)),
            settings.optional("detector.tiles", TILES),
            settings.optional("recognition.match.threshold", Formats.number(-1, 1)),
            settings.optional("recognition.match.margin", Formats.number(0, 2)),
            settings.get(CANDIDATES, "5", Formats.wholeNumber(1, 100)),
            settings.get("recognition.search.photos", "50", Formats.wholeNumber(1, 10_000)),
            settings
                .optional("recognition.filters", Formats.pairs("storeId:stores"))
                .orElse(Map.of()),
            settings.get(
                "recognition.gallery.wait", "5s", Durations.from(Duration.ZERO, LONGEST_WAIT)));
    if (read.candidates > read.searchPhotos) {
      settings.problem(
          CANDIDATES, "give at most recognition.search.photos, which is " + read.searchPhotos);
    }
    return read;
  }
}
