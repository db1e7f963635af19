package io.shelfstream.model;

import java.util.List;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.function.ToIntFunction;

/**
 * How many images go in one run of a model, whoever they are from. On a GPU the sizes are fixed, 1,
 * 2, 4 and so on: a size that was never seen costs seconds of tuning there.
 */
public final class Runs {
  private final boolean onGpu;
  private final int together;
  private final int most;
  private final RuntimeOptions options;

  /**
   * @param most images of one run where only memory bounds it
   */
  public Runs(OnnxModel model, String input, RuntimeOptions options, int most) {
    this(model.takesBatches(input), model.isOnGpu(), options, most);
  }

  Runs(boolean batches, boolean onGpu, RuntimeOptions options, int most) {
    this.options = options;
    this.onGpu = onGpu;
    this.together = batches ? options.batch(onGpu) : 1;
    this.most = !batches ? 1 : onGpu ? together : Math.max(most, together);
  }

  /** Most images that one caller's run may have. */
  public int most() {
    return most;
  }

  /** Images that a run of n is filled up to. */
  public int padded(int n) {
    if (!onGpu) {
      return n;
    }
    int size = 1;
    while (size < n) {
      size *= 2;
    }
    return Math.min(size, most);
  }

  /** Runs work of several threads together, where that is asked for or pays. */
  public <T, R> Function<T, R> shared(ToIntFunction<T> size, Function<List<T>, List<R>> run) {
    if (together == 1) {
      return work -> run.apply(List.of(work)).get(0);
    }
    int lanes = onGpu ? 1 : options.threadBudget();
    return new Batcher<>(lanes, together, options.maxDelay(), size, run)::submit;
  }

  /** Calls once for every size that runs will have on a GPU, once for a single image elsewhere. */
  public void warmUp(IntConsumer run) {
    int size = 1;
    run.accept(size);
    while (onGpu && size < most) {
      size = Math.min(2 * size, most);
      run.accept(size);
    }
  }
}
