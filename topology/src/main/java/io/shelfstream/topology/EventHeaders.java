package io.shelfstream.topology;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.Set;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.header.internals.RecordHeaders;

/**
 * The headers of an event: CloudEvents 1.0 in binary mode and the trace context. Other headers of
 * the source record go on; those that describe the source record itself do not.
 */
final class EventHeaders {

  private static final Set<String> OF_THE_SOURCE =
      Set.of("content-type", "traceparent", "tracestate", "__key_schema_id", "__value_schema_id");
  private static final String CLOUD_EVENTS = "ce_";
  private static final Header SPEC_VERSION =
      new RecordHeader("ce_specversion", "1.0".getBytes(StandardCharsets.UTF_8));

  /**
   * What an event says about itself.
   *
   * @param id unique within the source; the same after a replay
   * @param type as consumers filter by
   * @param subject the record's key
   */
  record Attributes(
      String id, String source, String type, String subject, Instant time, String contentType) {}

  private EventHeaders() {}

  /** The headers of a source record that do not describe it alone. */
  static Headers handedOn(Headers source) {
    Headers headers = new RecordHeaders();
    for (Header header : source) {
      if (!OF_THE_SOURCE.contains(header.key()) && !header.key().startsWith(CLOUD_EVENTS)) {
        headers.add(header);
      }
    }
    return headers;
  }

  /** The headers of an event that a source record led to. */
  static Headers of(Headers source, TraceContext trace, Attributes event) {
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
