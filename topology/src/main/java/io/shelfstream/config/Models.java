package io.shelfstream.config;

import io.shelfstream.model.Provider;
import io.shelfstream.model.RuntimeOptions;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * {@code models.*}: which models recognise, and on what.
 *
 * @param directory model directory, the bundled one when none was set; empty where nothing is
 *     bundled
 */
public record Models(Optional<Path> directory, RuntimeOptions options) {

  private static final String DIR = "models.dir";
  private static final Map<String, Provider> PROVIDERS =
      Map.of("auto", Provider.AUTO, "cpu", Provider.CPU, "cuda", Provider.CUDA);

  static Models from(Settings settings) {
    Provider provider = settings.get("models.provider", "auto", Formats.oneOf(PROVIDERS));
    return new Models(
        settings.optional(DIR, Formats.path("a directory")).or(() -> Bundled.models(provider)),
        new RuntimeOptions(
            provider,
            settings.get("models.threads", "0", Formats.wholeNumber(0, 1024)),
            settings.get("models.device", "0", Formats.wholeNumber(0, 255))));
  }

  void requireDirectory(Settings settings) {
    if (directory.isEmpty()) {
      settings.problem(
          DIR, "give the directory that holds model.properties, detector.onnx and extractor.onnx");
    }
  }

  /**
   * The model directory.
   *
   * @throws IllegalStateException when the configuration was loaded without asking for models
   */
  public Path dir() {
    return directory.orElseThrow(
        () ->
            new IllegalStateException(
                "models.dir is not set; load the configuration with loadWithModels"));
  }
}
