package io.shelfstream.messages;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/**
 * W3C trace context: a span of a trace, as headers name it.
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
  private static final ThreadLocal<@Nullable TraceContext> CURRENT = new ThreadLocal<>();

  /** The span that a source record names; null when it names none, or not a valid one. */
  public static @Nullable TraceContext of(Headers source) {
    String parent = text(source, "traceparent");
    return parent == null
        ? parse(text(source, "ce_traceparent"), text(source, "ce_tracestate"))
        : parse(parent, text(source, "tracestate"));
  }

  /**
   * The same from the values of the headers.
   *
   * @param parent of any version; null when there is none
   */
  public static @Nullable TraceContext parse(@Nullable String parent, @Nullable String state) {
    if (parent == null) {
      return null;
    }
    Matcher parts = PARENT.matcher(parent);
    if (!parts.matches() || !isValid(parts)) {
      return null;
    }
    int flags = Integer.parseInt(parts.group(4), 16) & KNOWN_FLAGS;
    return new TraceContext(
        "00-" + parts.group(2) + "-" + parts.group(3) + "-" + HEX.toHexDigits((byte) flags),
        state == null || state.length() > LONGEST_STATE ? null : state);
  }

  /**
   * The trace of an event that answers a source record: the current span of this thread if there is
   * one; else the trace of the source record, with this event as its newest span; a new trace when
   * there is none or it is not valid. Nothing records a new trace, so it is not marked as sampled.
   */
  public static TraceContext continuing(Headers source) {
    TraceContext current = CURRENT.get();
    if (current != null) {
      return current;
    }
    TraceContext from = of(source);
    return from == null ? begun() : from.next();
  }

  /**
   * Does something within a span: what this thread makes meanwhile belongs to it.
   *
   * @param span null for none: then the same is done without
   */
  public static <T extends @Nullable Object> T within(
      @Nullable TraceContext span, Supplier<T> work) {
    if (span == null) {
      return work.get();
    }
    TraceContext before = CURRENT.get();
    CURRENT.set(span);
    try {
      return work.get();
    } finally {
      if (before == null) {
        CURRENT.remove();
      } else {
        CURRENT.set(before);
      }
    }
  }

  /** The span that this thread is in; null outside of any. */
  public static @Nullable TraceContext current() {
    return CURRENT.get();
  }

  /** Adds it to headers that have none. */
  public Headers on(Headers headers) {
    headers.add("traceparent", parent.getBytes(StandardCharsets.UTF_8));
    if (state != null) {
      headers.add("tracestate", state.getBytes(StandardCharsets.UTF_8));
    }
    return headers;
  }

  /** 32 hexadecimal digits. */
  public String traceId() {
    return parent.substring(3, 35);
  }

  /** Another span of the same trace, which nothing records. */
  private TraceContext next() {
    return new TraceContext(parent.substring(0, 36) + newId() + parent.substring(52), state);
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
