package io.shelfstream.client;

import java.time.Duration;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/**
 * Shows the progress of a long step on standard error: a bar on a terminal, a plain line every few
 * seconds elsewhere. Used by one thread.
 */
public final class Progress implements AutoCloseable {
  private static final Duration LINE_EVERY = Duration.ofSeconds(5);

  private final String what;
  private final long total;
  private final @Nullable ProgressBar bar;
  private final long start = System.nanoTime();
  private long done;
  private long lastLine = start;

  public Progress(String what, long total) {
    this.what = what;
    this.total = total;
    this.bar =
        System.console() == null
            ? null
            : new ProgressBarBuilder()
                .setTaskName(what)
                .setInitialMax(total)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(200)
                .build();
  }

  public void step() {
    at(done + 1);
  }

  /** Sets how many are done in total. */
  public void at(long all) {
    done = all;
    if (bar != null) {
      bar.stepTo(all);
    } else if (System.nanoTime() - lastLine >= LINE_EVERY.toNanos()) {
      lastLine = System.nanoTime();
      System.err.printf("%s: %d of %d, %s%n", what, done, total, rate());
    }
  }

  private String rate() {
    return String.format(Locale.ROOT, "%.1f/s", done / Math.max(1e-3, seconds()));
  }

  private double seconds() {
    return (System.nanoTime() - start) / 1e9;
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    } else {
      System.err.printf(
          Locale.ROOT, "%s: %d of %d in %.1f s, %s%n", what, done, total, seconds(), rate());
    }
  }
}
