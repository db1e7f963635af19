package io.shelfstream.model;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How sessions run.
 *
 * @param threads the thread budget on the CPU; 0 for all processors
 * @param maxBatch most images of one run, or crops; 0: 16 on a GPU, and on the CPU what one caller
 *     brings, never more
 * @param maxDelay longest wait for a fuller batch
 * @param gpu what only a GPU asks for
 */
public record RuntimeOptions(
    Provider provider, int threads, int maxBatch, Duration maxDelay, Gpu gpu) {
  private static final int GPU_BATCH = 16;

  /**
   * What only a GPU asks for.
   *
   * @param device number of the GPU, from 0
   * @param memoryLimit most bytes of its memory for one model; 0: all
   * @param engineCache where TensorRT keeps what it compiled; empty: nowhere
   */
  public record Gpu(int device, long memoryLimit, Optional<Path> engineCache) {
    public static final Gpu FIRST = new Gpu(0, 0, Optional.empty());

    public Gpu {
      if (device < 0 || memoryLimit < 0) {
        throw new IllegalArgumentException(
            "device and memoryLimit expected to be 0 or more, got "
                + device
                + " and "
                + memoryLimit);
      }
    }
  }

  public RuntimeOptions {
    if (threads < 0 || maxBatch < 0) {
      throw new IllegalArgumentException(
          "threads and maxBatch expected to be 0 or more, got " + threads + " and " + maxBatch);
    }
  }

  /** The CPU with a thread budget, without batches over several frames. */
  public static RuntimeOptions cpu(int threads) {
    return new RuntimeOptions(Provider.CPU, threads, 0, Duration.ZERO, Gpu.FIRST);
  }

  /** The thread budget, at least 1. */
  public int threadBudget() {
    return threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
  }

  /**
   * The same for a second session beside the first, whose runs keep to their calling threads. On
   * the CPU in any case: it is for where the first one turned out to run there.
   */
  public RuntimeOptions onOneThread() {
    return new RuntimeOptions(Provider.CPU, 1, maxBatch, maxDelay, gpu);
  }

  /**
   * Most images, or crops, of several callers that go in one run; 1: each caller has runs of its
   * own.
   *
   * @param onGpu whether the models really run on a GPU
   */
  public int batch(boolean onGpu) {
    return maxBatch > 0 ? maxBatch : onGpu ? GPU_BATCH : 1;
  }
}
