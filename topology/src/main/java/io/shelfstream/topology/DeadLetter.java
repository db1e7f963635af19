package io.shelfstream.topology;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;

/** The record that goes to the dead-letter topic: source bytes untouched, the reason in headers. */
public final class DeadLetter {
  public static final String CLASS = "shelf.error.class";
  public static final String MESSAGE = "shelf.error.message";
  public static final String STAGE = "shelf.error.stage";
  public static final String TOPIC = "shelf.source.topic";
  public static final String PARTITION = "shelf.source.partition";
  public static final String OFFSET = "shelf.source.offset";
  public static final String ATTEMPT = "shelf.attempt";

  private DeadLetter() {}

  static Record<byte[], byte[]> of(
      Record<byte[], byte[]> source, Optional<RecordMetadata> metadata, RejectedException reason) {
    Headers headers = new RecordHeaders(source.headers());
    set(headers, CLASS, reason.reason());
    set(headers, MESSAGE, reason.message());
    set(headers, STAGE, reason.stage().label());
    set(headers, ATTEMPT, nextAttempt(source.headers()));
    metadata.ifPresent(
        m -> {
          set(headers, TOPIC, m.topic());
          set(headers, PARTITION, Integer.toString(m.partition()));
          set(headers, OFFSET, Long.toString(m.offset()));
        });
    return source.withHeaders(headers);
  }

  /** A dead letter that was published once more and failed again counts on. */
  private static String nextAttempt(Headers headers) {
    var last = headers.lastHeader(ATTEMPT);
    try {
      return last == null
          ? "1"
          : Integer.toString(
              Integer.parseInt(new String(last.value(), StandardCharsets.UTF_8)) + 1);
    } catch (NumberFormatException e) {
      return "1";
    }
  }

  private static void set(Headers headers, String key, String value) {
    headers.remove(key).add(key, value.getBytes(StandardCharsets.UTF_8));
  }
}
