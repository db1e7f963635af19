package io.shelfstream.client;

import java.time.Duration;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Shows the progress of a long step: on standard error, as a bar on a terminal and a plain line
 * every few seconds elsewhere; or in the log. Used by one thread.
 */
public final class Progress implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Progress.class);
  private static final Duration LINE_EVERY = Duration.ofSeconds(5);

  /** Who reads it. */
  public enum Reader {
    /** Somebody who waits for a command. */
    PERSON,
    /** Nobody for the moment: a service does the step. */
    LOG
  }

  private final String what;
  private final long total;
  private final Reader reader;
  private final @Nullable ProgressBar bar;
  private final long start = System.nanoTime();
  private long done;
  private long lastLine = start;

  /** For somebody who waits for a command. */
  public Progress(String what, long total) {
    this(what, total, Reader.PERSON);
  }

  public Progress(String what, long total, Reader reader) {
    this.what = what;
    this.total = total;
    this.reader = reader;
    this.bar =
        reader == Reader.LOG || System.console() == null
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
      line("%s: %d of %d, %s".formatted(what, done, total, rate()));
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
      line(
          String.format(
              Locale.ROOT, "%s: %d of %d in %.1f s, %s", what, done, total, seconds(), rate()));
    }
  }

  private void line(String text) {
    if (reader == Reader.LOG) {
      log.info(text);
    } else {
      System.err.println(text);
    }
  }
}
