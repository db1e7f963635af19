package io.shelfstream.streams;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * A warning about single records, of which thousands may come: the first is written as it is; then,
 * every ten seconds, the last one with how many there were. After ten seconds without any the next
 * is a first one again. Safe for several threads.
 */
public final class RepeatedWarning {
  private static final Duration PAUSE = Duration.ofSeconds(10);

  private final Executor later;
  private boolean pausing;
  private int more;
  private @Nullable Runnable last;

  public RepeatedWarning() {
    this(CompletableFuture.delayedExecutor(PAUSE.toSeconds(), TimeUnit.SECONDS));
  }

  /**
   * @param later runs what it is given after the pause
   */
  RepeatedWarning(Executor later) {
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
      last = () -> event.log(message + "; the last of {} within 10 s", argument, more);
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
