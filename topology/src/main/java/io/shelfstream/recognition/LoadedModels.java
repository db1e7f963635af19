package io.shelfstream.recognition;

import io.shelfstream.detect.OnnxDetector;
import io.shelfstream.embed.OnnxFeatureExtractor;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.model.RuntimeOptions;
import java.nio.file.Path;

/** A model directory and its two sessions, opened and closed together. */
public record LoadedModels(
    ModelDirectory directory, OnnxDetector detector, OnnxFeatureExtractor extractor)
    implements AutoCloseable {

  /**
   * Opens both models of a directory.
   *
   * @throws io.shelfstream.model.ModelException naming everything that is wrong with the directory
   */
  public static LoadedModels load(Path dir, RuntimeOptions options) {
    ModelDirectory directory = ModelDirectory.read(dir);
    OnnxDetector detector = OnnxDetector.load(directory, options);
    try {
      return new LoadedModels(directory, detector, OnnxFeatureExtractor.load(directory, options));
    } catch (RuntimeException e) {
      detector.close();
      throw e;
    }
  }

  @Override
  public void close() {
    extractor.close();
    detector.close();
  }
}
