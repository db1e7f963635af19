package io.shelfstream.cli;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.StackTraceElementProxy;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.encoder.EncoderBase;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.shelfstream.config.LogFormat;
import io.shelfstream.logging.LogContext;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import org.slf4j.event.KeyValuePair;

/**
 * Writes each log line as one JSON object of bounded length, in ASCII: time, level, logger, thread
 * and message, then what the line is about ({@link LogContext}), its keys and values, and the stack
 * trace. A key that is there already is left out.
 */
final class JsonLines extends EncoderBase<ILoggingEvent> {
  private static final int LONGEST = 2000;
  private static final int LONGEST_TRACE = 8000;
  private static final int MOST_CAUSES = 8;
  private static final int MOST_FRAMES = 30;
  private static final byte[] NOTHING = {};

  private static final DateTimeFormatter TIME =
      new DateTimeFormatterBuilder().appendInstant(3).toFormatter();

  private static volatile boolean inUse;

  // Escapes all that a terminal could take for a command, and halves of characters.
  private final ObjectMapper json =
      JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

  /** The log of this process is written so from now on, if it is to be. */
  static void useIf(LogFormat wanted) {
    if (wanted != LogFormat.JSON) {
      return;
    }
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    use(context);
    LogContext.show(true);
    inUse = true;
  }

  static void use(LoggerContext context) {
    context
        .getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)
        .iteratorForAppenders()
        .forEachRemaining(
            appender -> {
              if (appender instanceof OutputStreamAppender<ILoggingEvent> stream) {
                JsonLines lines = new JsonLines();
                lines.setContext(context);
                lines.start();
                stream.setEncoder(lines);
              }
            });
  }

  /** Whether the log of this process is written so. */
  static boolean inUse() {
    return inUse;
  }

  @Override
  public byte[] headerBytes() {
    return NOTHING;
  }

  @Override
  public byte[] footerBytes() {
    return NOTHING;
  }

  @Override
  public byte[] encode(ILoggingEvent event) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("time", TIME.format(Instant.ofEpochMilli(event.getTimeStamp())));
    line.put("level", event.getLevel().toString());
    line.put("logger", event.getLoggerName());
    line.put("thread", cut(event.getThreadName(), LONGEST));
    line.put("message", cut(String.valueOf(event.getFormattedMessage()), LONGEST));
    event.getMDCPropertyMap().forEach((key, value) -> line.putIfAbsent(key, context(key, value)));
    List<KeyValuePair> pairs = event.getKeyValuePairs();
    if (pairs != null) {
      pairs.forEach(pair -> line.putIfAbsent(String.valueOf(pair.key), value(pair.value)));
    }
    if (event.getThrowableProxy() != null) {
      line.put("stack_trace", trace(event.getThrowableProxy()));
    }
    try {
      return (json.writeValueAsString(line) + "\n").getBytes(StandardCharsets.US_ASCII);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("texts, numbers and booleans can be written", e);
    }
  }

  /** Positions are numbers, as they are among keys and values. */
  private static Object context(String key, String value) {
    return key.equals(LogContext.PARTITION) || key.equals(LogContext.OFFSET)
        ? Long.valueOf(value)
        : value(value);
  }

  private static Object value(@Nullable Object value) {
    if (value instanceof Boolean || value instanceof Integer || value instanceof Long) {
      return value;
    }
    if (value instanceof Number number && Double.isFinite(number.doubleValue())) {
      return number;
    }
    return cut(String.valueOf(value), LONGEST);
  }

  private static String cut(String text, int longest) {
    return text.length() <= longest ? text : text.substring(0, longest) + "\u2026";
  }

  private static String trace(IThrowableProxy failure) {
    StringBuilder text = new StringBuilder();
    IThrowableProxy cause = failure;
    for (int i = 0; cause != null && i < MOST_CAUSES && text.length() < LONGEST_TRACE; i++) {
      text.append(i == 0 ? "" : "\nCaused by: ")
          .append(cause.getClassName())
          .append(": ")
          .append(cut(String.valueOf(cause.getMessage()), LONGEST));
      StackTraceElementProxy[] frames = cause.getStackTraceElementProxyArray();
      // The frames that a cause has in common with what it caused stand there already.
      int apart = Math.max(1, frames.length - cause.getCommonFrames());
      int own = Math.min(Math.min(apart, frames.length), MOST_FRAMES);
      for (int j = 0; j < own; j++) {
        text.append("\n\t").append(frames[j].getSTEAsString());
      }
      if (own < frames.length) {
        text.append("\n\t... ").append(frames.length - own).append(" more");
      }
      cause = cause.getCause();
    }
    return cut(text.toString(), LONGEST_TRACE);
  }
}
