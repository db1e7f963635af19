package io.shelfstream.recognition;

import io.shelfstream.config.ShelfStreamConfig;
import java.time.Duration;

/**
 * How much a {@link FrameRecognizer} has in hand at a time.
 *
 * @param threads the thread budget: workers beyond it only wait for a GPU
 * @param workers frames between decoding and verdict
 * @param fetches images fetched at a time
 * @param encodedBytes no fetch begins while this much waits to be decoded
 * @param decodedBytes no decoding begins while decoded images take this much
 * @param galleryWait longest wait for a gallery version that a frame asks for
 * @param callersShare of the images that workers look at, between 0 and 1, when both callers and
 *     the stream have some
 */
public record RecognizerLimits(
    int threads,
    int workers,
    int fetches,
    long encodedBytes,
    long decodedBytes,
    Duration galleryWait,
    double callersShare) {

  public RecognizerLimits {
    if (threads < 1 || workers < 1 || fetches < 1 || encodedBytes < 1 || decodedBytes < 1) {
      throw new IllegalArgumentException(
          "threads, workers, fetches and bytes expected to be 1 or more, got %d, %d, %d, %d, %d"
              .formatted(threads, workers, fetches, encodedBytes, decodedBytes));
    }
  }

  /**
   * As configured.
   *
   * @param provider where the models run: cpu, cuda or tensorrt
   */
  public static RecognizerLimits of(ShelfStreamConfig config, String provider) {
    int threads = config.models().options().threadBudget();
    int batch = config.models().options().batch(!provider.equals("cpu"));
    return new RecognizerLimits(
        threads,
        batch == 1 ? threads : threads + 2 * batch, // one batch runs while the next one gathers
        config.images().fetches(),
        config.images().encodedBytes(),
        config.images().decodedBytes(),
        config.recognition().galleryWait(),
        config.http().share());
  }
}
