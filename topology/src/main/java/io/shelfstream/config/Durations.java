package io.shelfstream.config;

import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Durations as {@code 500ms}, {@code 10s}, {@code 2m}, {@code 1h}, {@code 7d} or ISO-8601 ({@code
 * PT1.5S}).
 */
public final class Durations {

  private static final Pattern SHORT = Pattern.compile("(\\d{1,9})\\s*(ms|s|m|h|d)");

  private Durations() {}

  static Format<Duration> from(Duration least, Duration most) {
    return new Format<>(
            "a duration from " + write(least) + " to " + write(most) + ", such as 500ms, 10s or 2m",
            Durations::parse)
        .where(value -> value.compareTo(least) >= 0 && value.compareTo(most) <= 0);
  }

  /**
   * A duration that stands on the command line.
   *
   * @throws IllegalArgumentException saying what to give
   */
  public static Duration of(String text, Duration least, Duration most) {
    Format<Duration> format = from(least, most);
    try {
      return format.parse(text.strip());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "'%s' is not what it takes; give %s".formatted(text, format.expected()), e);
    }
  }

  private static Duration parse(String text) {
    Matcher parts = SHORT.matcher(text.toLowerCase(Locale.ROOT));
    if (!parts.matches()) {
      return iso(text);
    }
    long amount = Long.parseLong(parts.group(1));
    return switch (parts.group(2)) {
      case "ms" -> Duration.ofMillis(amount);
      case "s" -> Duration.ofSeconds(amount);
      case "m" -> Duration.ofMinutes(amount);
      case "h" -> Duration.ofHours(amount);
      default -> Duration.ofDays(amount);
    };
  }

  private static Duration iso(String text) {
    try {
      return Duration.parse(text);
    } catch (DateTimeParseException e) {
      throw new IllegalArgumentException(text, e);
    }
  }

  private static String write(Duration duration) {
    if (duration.toMillis() % 1000 != 0) {
      return duration.toMillis() + "ms";
    }
    return duration.toSeconds() % 60 != 0 ? duration.toSeconds() + "s" : duration.toMinutes() + "m";
  }
}
