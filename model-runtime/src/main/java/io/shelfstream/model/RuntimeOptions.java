package io.shelfstream.model;

/**
 * How sessions run.
 *
 * @param threads threads of one model run and of one image's resizing; 0 for all processors
 * @param device CUDA device number, from 0
 */
public record RuntimeOptions(Provider provider, int threads, int device) {

  public RuntimeOptions {
    if (threads < 0 || device < 0) {
      throw new IllegalArgumentException(
          "threads and device expected to be 0 or more, got " + threads + " and " + device);
    }
  }

  /** The thread budget, at least 1. */
  public int threadBudget() {
    return threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
  }
}
