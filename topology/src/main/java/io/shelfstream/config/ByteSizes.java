package io.shelfstream.config;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes in bytes, plain or with KiB or MiB. */
final class ByteSizes {

  static final long MIB = 1L << 20;

  // 12 digits of the largest unit fit a long.
  private static final Pattern SIZE = Pattern.compile("(\\d{1,12})\\s*(|kib|mib)");

  private ByteSizes() {}

  static Format<Long> upToMebibytes(long most) {
    return new Format<>(
            "a size from 1 to " + most + "MiB in bytes, KiB or MiB, such as 32MiB",
            ByteSizes::parse)
        .where(value -> value >= 1 && value <= most * MIB);
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
          default -> 1;
        };
    return Long.parseLong(parts.group(1)) * unit;
  }
}
