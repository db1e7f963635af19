package io.shelfstream.messages;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/**
 * W3C trace context: which trace an event belongs to.
 *
 * @param parent {@code traceparent}, version 00
 * @param state {@code tracestate}, passed on unchanged; null when there was none
 */
public record TraceContext(String parent, @Nullable String state) {

  // Later versions may add fields behind these four.
  private static final Pattern PARENT =
      Pattern.compile("([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?");
  private static final HexFormat HEX = HexFormat.of();
  private static final int LONGEST_STATE = 512;
  private static final int KNOWN_FLAGS = 3; // sampled, random trace id

  /**
   * The trace of a source record, with this event as its newest span; a new trace when there is
   * none or it is not valid. Nothing records a new trace, so it is not marked as sampled.
   */
  public static TraceContext continuing(Headers source) {
    String parent = text(source, "traceparent");
    boolean isCloudEvents = parent == null;
    if (isCloudEvents) {
      parent = text(source, "ce_traceparent");
    }
    if (parent == null) {
      return begun();
    }
    Matcher parts = PARENT.matcher(parent);
    if (!parts.matches() || !isValid(parts)) {
      return begun();
    }
    int flags = Integer.parseInt(parts.group(4), 16) & KNOWN_FLAGS;
    String state = text(source, isCloudEvents ? "ce_tracestate" : "tracestate");
    return new TraceContext(
        "00-" + parts.group(2) + "-" + newId() + "-" + HEX.toHexDigits((byte) flags),
        state == null || state.length() > LONGEST_STATE ? null : state);
  }

  private static TraceContext begun() {
    return new TraceContext("00-" + newId() + newId() + "-" + newId() + "-00", null);
  }

  private static boolean isValid(Matcher parts) {
    String version = parts.group(1);
    boolean hasMore = parts.group(5) != null;
    return !version.equals("ff")
        && !(version.equals("00") && hasMore)
        && !parts.group(2).matches("0+")
        && !parts.group(3).matches("0+");
  }

  private static String newId() {
    return HEX.toHexDigits(ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE));
  }

  private static @Nullable String text(Headers headers, String name) {
    Header header = headers.lastHeader(name);
    return header == null || header.value() == null
        ? null
        : new String(header.value(), StandardCharsets.US_ASCII).strip();
  }
}
