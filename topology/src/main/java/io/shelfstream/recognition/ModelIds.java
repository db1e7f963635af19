package io.shelfstream.recognition;

/**
 * The models that an answer was made with, as events name them.
 *
 * @param detector name and hash of the model file; likewise the extractor
 * @param provider cpu or cuda
 */
public record ModelIds(String detector, String extractor, String provider) {

  static ModelIds of(LoadedModels models) {
    return new ModelIds(
        models.directory().detectorId(),
        models.directory().extractorId(),
        models.detector().provider());
  }
}
