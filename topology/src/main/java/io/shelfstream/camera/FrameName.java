package io.shelfstream.camera;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names of frames, as {@code 20261129T170503.123Z}: the time they were taken, UTC. They sort by
 * time, and each is later than the one before it, also when the clock was set back.
 */
final class FrameName {
  private static final DateTimeFormatter FORMAT =
      DateTimeFormatter.ofPattern("uuuuMMdd'T'HHmmss.SSS'Z'");
  private static final Pattern FILE =
      Pattern.compile("(?:.*/)?(\\d{8}T\\d{6}\\.\\d{3}Z)\\.[a-z]{3,4}");

  private FrameName() {}

  static String of(Instant time) {
    return FORMAT.format(time.atOffset(ZoneOffset.UTC));
  }

  static Instant time(String name) {
    return LocalDateTime.parse(name, FORMAT).toInstant(ZoneOffset.UTC);
  }

  /**
   * The name of a frame taken at a time.
   *
   * @param last the name before it; empty: there was none
   */
  static String next(String last, Instant now) {
    if (last.isEmpty()) {
      return of(now);
    }
    Instant after = time(last).plusMillis(1);
    return of(after.isAfter(now) ? after : now);
  }

  /** The name in the path of a stored frame; empty when it is none of ours. */
  static Optional<String> ofPath(String path) {
    Matcher file = FILE.matcher(path);
    if (!file.matches()) {
      return Optional.empty();
    }
    try {
      time(file.group(1));
      return Optional.of(file.group(1));
    } catch (DateTimeParseException e) {
      return Optional.empty();
    }
  }

  /** Path of a stored frame below its store: camera, day, name. */
  static String path(String camera, String name, String extension) {
    String day = name.substring(0, 4) + "-" + name.substring(4, 6) + "-" + name.substring(6, 8);
    return folder(camera) + "/" + day + "/" + name + "." + extension;
  }

  /** A camera's id as the name of a folder: what may not stand there is escaped. */
  static String folder(String camera) {
    StringBuilder safe = new StringBuilder();
    for (byte b : camera.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xFF);
      boolean plain =
          c < 0x80 && (Character.isLetterOrDigit(c) || c == '-' || c == '_' || c == '.');
      if (plain && !(c == '.' && safe.length() == 0)) {
        safe.append(c);
      } else {
        safe.append('%').append(HexFormat.of().withUpperCase().toHexDigits(b));
      }
    }
    return safe.toString();
  }
}
