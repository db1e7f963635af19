package io.shelfstream.messages;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.header.internals.RecordHeaders;

/**
 * The headers of an event: CloudEvents 1.0 in binary mode and the trace context. Other headers of
 * the source record are copied, as many as {@link #MOST} and {@link #MOST_BYTES} allow; those that
 * describe the source record itself, or an earlier attempt, are not.
 */
public final class EventHeaders {
  /** Most headers that are copied from a source record. */
  public static final int MOST = 100;

  /** Most bytes that they may take together; the rest is left out. */
  static final int MOST_BYTES = 16 * 1024;

  /** In lower case. Formats and schema ids describe the bytes of the source. */
  private static final Set<String> OF_THE_SOURCE =
      Set.of("content-type", "contenttype", "traceparent", "tracestate");

  /**
   * In lower case: CloudEvents; schema ids of Confluent's and Apicurio's clients; our own, which a
   * dead letter that was published again has.
   */
  private static final List<String> PREFIXES_OF_THE_SOURCE =
      List.of("ce_", "__", "apicurio.", "shelf.");

  private static final Header SPEC_VERSION =
      new RecordHeader("ce_specversion", "1.0".getBytes(StandardCharsets.UTF_8));

  /**
   * What an event says about itself.
   *
   * @param id unique within the source; the same after a replay
   * @param type as consumers filter by
   * @param subject the record's key
   */
  public record Attributes(
      String id, String source, String type, String subject, Instant time, String contentType) {}

  private EventHeaders() {}

  /** The headers of a source record that are copied. */
  public static Headers handedOn(Headers source) {
    RecordHeaders headers = new RecordHeaders();
    int count = 0;
    long bytes = 0;
    for (Header header : source) {
      if (!isOfTheSource(header.key())) {
        bytes += 3L * header.key().length() + RecordLimits.length(header.value());
        if (++count > MOST || bytes > MOST_BYTES) {
          return headers;
        }
        headers.add(header);
      }
    }
    return headers;
  }

  /**
   * Headers of a source record, to be kept for a later event: unchanged if they take little memory.
   */
  public static Headers keepable(Headers source) {
    return RecordLimits.size(null, null, source) <= MOST_BYTES ? source : handedOn(source);
  }

  private static boolean isOfTheSource(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return OF_THE_SOURCE.contains(lower)
        || PREFIXES_OF_THE_SOURCE.stream().anyMatch(lower::startsWith);
  }

  /** The headers of an event that answers a source record. */
  public static Headers of(Headers source, TraceContext trace, Attributes event) {
    Headers headers = handedOn(source);
    headers.add(SPEC_VERSION);
    add(headers, "ce_id", event.id());
    add(headers, "ce_source", event.source());
    add(headers, "ce_type", event.type());
    add(headers, "ce_subject", event.subject());
    add(headers, "ce_time", DateTimeFormatter.ISO_INSTANT.format(event.time()));
    add(headers, "content-type", event.contentType());
    byte[] parent = trace.parent().getBytes(StandardCharsets.UTF_8);
    headers.add("traceparent", parent);
    headers.add("ce_traceparent", parent);
    if (trace.state() != null) {
      add(headers, "tracestate", trace.state());
      add(headers, "ce_tracestate", trace.state());
    }
    return headers;
  }

  private static void add(Headers headers, String name, String value) {
    headers.add(name, value.getBytes(StandardCharsets.UTF_8));
  }
}
