package io.shelfstream.recognition;

import io.shelfstream.config.RecognitionSettings;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.detect.Detector;
import io.shelfstream.detect.Profile;
import io.shelfstream.embed.FeatureExtractor;
import io.shelfstream.gallery.ProductSearch;
import io.shelfstream.image.ImageDecoder;
import io.shelfstream.image.ImageLimits;
import io.shelfstream.image.Tiles;
import io.shelfstream.index.FaissLibrary;
import io.shelfstream.model.ModelDirectory;

/**
 * Everything that is needed to recognise an image, put together once and shared by all threads. The
 * parts are closed by those who opened them.
 *
 * @param ids names of detector and extractor
 * @param detectionThreshold minimum detector score, 0 to 1, from the model directory
 * @param filters which photos a frame is compared with
 */
public record RecognitionModels(
    ModelIds ids,
    ImageDecoder decoder,
    Detector detector,
    float detectionThreshold,
    Profile profile,
    FeatureExtractor extractor,
    ProductSearch gallery,
    MatchPolicy policy,
    FrameFilters filters) {

  /**
   * Built from the configuration: for the service, for {@code recognize}, and for photos of the
   * gallery.
   *
   * @param models closed by whoever loaded them
   * @param gallery what objects are looked up in
   */
  public static RecognitionModels of(
      ShelfStreamConfig config, LoadedModels models, ProductSearch gallery) {
    FaissLibrary.threads(1); // a search runs on a thread of the budget
    ModelDirectory directory = models.directory();
    RecognitionSettings recognition = config.recognition();
    Profile profile = recognition.profile();
    MatchPolicy policy =
        new MatchPolicy(
            recognition.matchThreshold().orElse(directory.matchThreshold()),
            recognition.matchMargin().orElse(directory.matchMargin()),
            recognition.candidates(),
            recognition.searchPhotos());
    ImageLimits limits = config.images().limits();
    boolean exact = profile == Profile.PP_SHITU; // never uses tiles
    Tiles tiles = exact ? Tiles.NONE : recognition.tiles().orElse(directory.detectorTiles());
    boolean reduces = config.images().decodeReduced() && !exact;
    int shown = reduces ? tiles.resolved(directory.detectorInputSize()) : ImageDecoder.FULLY;
    return new RecognitionModels(
        ModelIds.of(models),
        new ImageDecoder(limits, shown),
        models.detector().in(tiles),
        directory.detectorScoreThreshold(),
        profile,
        models.extractor(),
        gallery,
        policy,
        new FrameFilters(recognition.filters()));
  }

  /** The same with models that use only the calling thread, for several frames in parallel. */
  public RecognitionModels onOneThread() {
    return new RecognitionModels(
        ids,
        decoder,
        detector.onOneThread(),
        detectionThreshold,
        profile,
        extractor.onOneThread(),
        gallery,
        policy,
        filters);
  }
}
