package io.shelfstream.tracing;

import io.shelfstream.logging.RepeatedWarning;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.slf4j.LoggerFactory;

/**
 * What OpenTelemetry's SDK and its HTTP client report through {@code java.util.logging}, on our log
 * instead: warnings only, each logger's first, and then the last of each ten minutes. While a
 * receiver is away the SDK reports every failed export and every batch of dropped spans.
 */
final class SdkLog extends Handler {
  private static final Duration PAUSE = Duration.ofMinutes(10);

  // Held here: java.util.logging forgets a logger, and its handlers, when nobody else does.
  private final List<Logger> loggers =
      List.of(Logger.getLogger("io.opentelemetry"), Logger.getLogger("okhttp3"));
  private final Map<String, RepeatedWarning> warnings = new ConcurrentHashMap<>();

  private SdkLog() {}

  static SdkLog open() {
    SdkLog log = new SdkLog();
    log.setLevel(Level.WARNING);
    for (Logger logger : log.loggers) {
      logger.setUseParentHandlers(false);
      logger.setLevel(null);
      logger.addHandler(log);
    }
    return log;
  }

  @Override
  public void publish(LogRecord record) {
    if (!isLoggable(record)) {
      return;
    }
    String name = String.valueOf(record.getLoggerName());
    warnings
        .computeIfAbsent(name, n -> new RepeatedWarning(PAUSE))
        .log(
            LoggerFactory.getLogger(name).atWarn(),
            "Traces: {}",
            text(record).replaceAll("\\s+", " "));
  }

  private static String text(LogRecord record) {
    String message = String.valueOf(record.getMessage());
    Throwable cause = record.getThrown();
    return cause == null || message.contains(String.valueOf(cause.getMessage()))
        ? message
        : message + " " + cause;
  }

  @Override
  public void flush() {}

  /** A thread of the SDK may go on trying to send what is left; nobody has to hear of it. */
  @Override
  public void close() {
    for (Logger logger : loggers) {
      logger.removeHandler(this);
      logger.setLevel(Level.OFF);
    }
  }
}
