package io.shelfstream.config;

import io.shelfstream.model.Provider;
import io.shelfstream.model.RuntimeOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * {@code models.*}: which models are used, and where they run.
 *
 * @param directory model directory, the bundled one when none was set; empty where nothing is
 *     bundled
 */
public record Models(Optional<Path> directory, RuntimeOptions options) {

  private static final String DIR = "models.dir";
  private static final Duration LONGEST_DELAY = Duration.ofSeconds(1);
  private static final long MOST_MEBIBYTES = 1024 * 1024;
  private static final Map<String, Provider> PROVIDERS =
      Map.of(
          "auto", Provider.AUTO,
          "cpu", Provider.CPU,
          "cuda", Provider.CUDA,
          "tensorrt", Provider.TENSORRT);

  static Models from(Settings settings) {
    Provider provider = settings.get("models.provider", "auto", Formats.oneOf(PROVIDERS));
    return new Models(
        settings.optional(DIR, Formats.path("a directory")).or(() -> Bundled.models(provider)),
        new RuntimeOptions(
            provider,
            settings.get("models.threads", "0", Formats.wholeNumber(0, 1024)),
            settings.get("models.batch.max", "0", Formats.wholeNumber(0, 1024)),
            settings.get("models.batch.delay", "2ms", Durations.from(Duration.ZERO, LONGEST_DELAY)),
            new RuntimeOptions.Gpu(
                settings.get("models.device", "0", Formats.wholeNumber(0, 255)),
                settings
                    .optional("models.gpu.memory.limit", ByteSizes.upToMebibytes(MOST_MEBIBYTES))
                    .orElse(0L),
                settings.optional("models.tensorrt.cache", Formats.path("a directory")))));
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
