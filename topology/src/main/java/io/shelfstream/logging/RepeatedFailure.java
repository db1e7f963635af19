package io.shelfstream.logging;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * Failures with a stack trace, of which thousands may come: those of the same exception at the same
 * place are written as a {@link RepeatedWarning} is, so that none hides another. Safe for several
 * threads.
 */
public final class RepeatedFailure {
  /** Kinds that are told apart; all others count as one. */
  private static final int MOST = 100;

  private static final String ALL_OTHERS = "";

  private final Map<String, RepeatedWarning> kinds = new ConcurrentHashMap<>();

  /**
   * Writes the failure, now or as one of many.
   *
   * @param event level, keys and values; the failure is added
   * @param message with one {@code {}} for the argument
   */
  public void log(LoggingEventBuilder event, Throwable failure, String message, Object argument) {
    String kind = kind(failure);
    boolean isApart = kinds.size() < MOST || kinds.containsKey(kind);
    kinds
        .computeIfAbsent(isApart ? kind : ALL_OTHERS, k -> new RepeatedWarning())
        .log(event.setCause(failure), message, argument);
  }

  private static String kind(Throwable failure) {
    StackTraceElement[] frames = failure.getStackTrace();
    return failure.getClass().getName() + (frames.length == 0 ? "" : " at " + frames[0]);
  }
}
