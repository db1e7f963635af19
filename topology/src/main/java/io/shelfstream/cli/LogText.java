package io.shelfstream.cli;

import ch.qos.logback.classic.pattern.ThrowableHandlingConverter;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.StackTraceElementProxy;
import ch.qos.logback.core.pattern.CompositeConverter;
import io.shelfstream.client.OneLine;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the log readable and safe when messages contain text from records: limits its length and
 * escapes control characters. Both classes are named in logback.xml.
 */
final class LogText {
  private static final int LONGEST = 2000;
  private static final int MOST_CAUSES = 8;

  private LogText() {}

  /** A message and its values on one line of bounded length. */
  public static final class Line extends CompositeConverter<ILoggingEvent> {
    @Override
    protected String transform(ILoggingEvent event, String in) {
      return OneLine.of(in.strip(), LONGEST);
    }
  }

  /** An exception and its causes, each on one line with its place in the code. */
  public static final class Causes extends ThrowableHandlingConverter {
    @Override
    public String convert(ILoggingEvent event) {
      StringBuilder text = new StringBuilder();
      IThrowableProxy failure = event.getThrowableProxy();
      for (int i = 0; failure != null && i < MOST_CAUSES; i++) {
        text.append(i == 0 ? "" : "Caused by: ")
            .append(failure.getClassName())
            .append(": ")
            .append(OneLine.of(failure.getMessage(), LONGEST))
            .append(System.lineSeparator());
        StackTraceElementProxy place = place(failure.getStackTraceElementProxyArray());
        if (place != null) {
          text.append("\t").append(place.getSTEAsString()).append(System.lineSeparator());
        }
        failure = failure.getCause();
      }
      return text.toString();
    }

    /** The topmost place in our own code, if there is one. */
    private static @Nullable StackTraceElementProxy place(StackTraceElementProxy[] frames) {
      return Arrays.stream(frames)
          .filter(f -> f.getStackTraceElement().getClassName().startsWith("io.shelfstream."))
          .findFirst()
          .orElse(frames.length == 0 ? null : frames[0]);
    }
  }
}
