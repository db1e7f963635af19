package io.shelfstream.logging;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * A warning about single records, of which thousands may come: the first is written as it is; then,
 * once in each pause, the last one with how many there were. After a pause without any the next is
 * a first one again. Safe for several threads.
 */
public final class RepeatedWarning {
  private static final Duration PAUSE = Duration.ofSeconds(10);

  private final String within;
  private final Executor later;
  private boolean pausing;
  private int more;
  private @Nullable Runnable last;

  /** With pauses of ten seconds. */
  public RepeatedWarning() {
    this(PAUSE);
  }

  /**
   * @param pause whole seconds
   */
  public RepeatedWarning(Duration pause) {
    this(pause, CompletableFuture.delayedExecutor(pause.toSeconds(), TimeUnit.SECONDS));
  }

  /**
   * @param later runs what it is given after the pause
   */
  RepeatedWarning(Duration pause, Executor later) {
    this.within = pause.toSeconds() + " s";
    this.later = later;
  }

  /**
   * Writes the warning, now or as one of many.
   *
   * @param event level, keys and values; not written yet
   * @param message with one {@code {}} for the argument
   */
  public synchronized void log(LoggingEventBuilder event, String message, Object argument) {
    if (pausing) {
      more++;
      LogContext.Held context = LogContext.hold();
      last =
          () ->
              context.run(
                  () -> event.log(message + "; the last of {} within " + within, argument, more));
    } else {
      event.log(message, argument);
      pause();
    }
  }

  private void pause() {
    pausing = true;
    later.execute(this::afterPause);
  }

  private synchronized void afterPause() {
    pausing = false;
    if (last != null) {
      last.run();
      last = null;
      more = 0;
      pause();
    }
  }
}
