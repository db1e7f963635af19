package io.shelfstream.config;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes in bytes, plain or with KiB, MiB or GiB. */
public final class ByteSizes {

  static final long MIB = 1L << 20;

  private static final Pattern SIZE = Pattern.compile("(\\d{1,12})\\s*(|kib|mib|gib)");

  private ByteSizes() {}

  static Format<Long> upToMebibytes(long most) {
    return new Format<>(
            "a size from 1 to " + most + "MiB in bytes, KiB or MiB, such as 32MiB",
            ByteSizes::parse)
        .where(value -> value >= 1 && value <= most * MIB);
  }

  /**
   * A size that stands on the command line.
   *
   * @throws IllegalArgumentException saying what to give
   */
  public static long of(String text, long least, long most) {
    try {
      long size = parse(text.strip());
      if (size >= least && size <= most) {
        return size;
      }
    } catch (IllegalArgumentException e) {
      // said below
    }
    throw new IllegalArgumentException(
        "'%s' is not what it takes; give a size from %d to %d bytes, such as 64MiB or 1GiB"
            .formatted(text, least, most));
  }

  private static long parse(String text) {
    Matcher parts = SIZE.matcher(text.toLowerCase(Locale.ROOT));
    if (!parts.matches()) {
      throw new IllegalArgumentException(text);
    }
    long unit =
        switch (parts.group(2)) {
          case "kib" -> MIB >> 10;
          case "mib" -> MIB;
          case "gib" -> MIB << 10;
          default -> 1;
        };
    try {
      return Math.multiplyExact(Long.parseLong(parts.group(1)), unit);
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(text, e);
    }
  }
}
