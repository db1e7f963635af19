package io.shelfstream.messages;

import io.shelfstream.recognition.RejectedException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.streams.processor.api.Record;

/**
 * The record that goes to the dead-letter topic: the bytes of the source unchanged, the reason in
 * headers.
 *
 * <p>It always fits its topic. If it is too large, first its value is left out, with its size in a
 * header; then the headers of its source; then its key. Reason and position of the source are
 * always there.
 */
public final class DeadLetter {
  public static final String CLASS = "shelf.error.class";
  public static final String MESSAGE = "shelf.error.message";
  public static final String STAGE = "shelf.error.stage";
  public static final String TOPIC = "shelf.source.topic";
  public static final String PARTITION = "shelf.source.partition";
  public static final String OFFSET = "shelf.source.offset";

  /** Timestamp of the source record in ms, as it was written; may be negative. */
  public static final String TIMESTAMP = "shelf.source.timestamp";

  public static final String ATTEMPT = "shelf.attempt";

  /**
   * On a record that was published again: topic, partition and offset of its dead letter, joined by
   * -. Not copied to what the record leads to.
   */
  public static final String REDRIVEN = "shelf.redriven";

  /** Bytes of the value that was left out; absent when the value is there. */
  public static final String VALUE_OMITTED = "shelf.error.value.omitted";

  /** Largest number of attempts that is counted; a longer number was not written by us. */
  private static final int MOST_ATTEMPTS = 999_999_999;

  private DeadLetter() {}

  /**
   * @param omitted bytes of the value when the source no longer has it; 0 when it has it
   * @param limit bytes that the record may take
   */
  public static Record<byte[], byte[]> of(
      Record<byte[], byte[]> source,
      SourcePosition position,
      RejectedException reason,
      int omitted,
      int limit) {
    Headers headers = new RecordHeaders();
    for (Header header : source.headers()) {
      if (!isOurs(header.key())) {
        headers.add(header);
      }
    }
    Headers ours = ours(source, position, reason);
    if (omitted > 0) {
      set(ours, VALUE_OMITTED, Integer.toString(omitted));
    }
    return bounded(source, headers, ours, limit);
  }

  /**
   * Keeps only what identifies a record, for a dead letter whose source cannot be kept complete.
   */
  public static Record<byte[], byte[]> withoutContent(Record<byte[], byte[]> record) {
    byte[] key = RecordLimits.length(record.key()) > FieldLimits.TEXT ? null : record.key();
    Headers kept = new RecordHeaders(); // a dead letter keeps these
    for (String name : List.of(ATTEMPT, TIMESTAMP)) {
      String text = RecordHeaderText.lastText(record.headers(), name);
      if (text != null) {
        set(kept, name, text);
      }
    }
    return new Record<>(key, null, record.timestamp(), kept);
  }

  /**
   * The headers with which a dead letter's record is published again: those of its source, the
   * number of attempts, which goes on counting, and where the dead letter lies.
   *
   * @param place topic, partition and offset, joined by -
   */
  public static Headers again(Headers deadLetter, String place) {
    Headers again = new RecordHeaders();
    for (Header header : deadLetter) {
      if (!isOurs(header.key()) || header.key().equals(ATTEMPT)) {
        again.add(header);
      }
    }
    set(again, REDRIVEN, place);
    return again;
  }

  private static Headers ours(
      Record<byte[], byte[]> source, SourcePosition position, RejectedException reason) {
    Headers ours = new RecordHeaders();
    set(ours, CLASS, reason.reason());
    set(ours, MESSAGE, reason.message());
    set(ours, STAGE, reason.stage().label());
    set(ours, ATTEMPT, nextAttempt(source.headers()));
    set(ours, TOPIC, position.topic());
    set(ours, PARTITION, Integer.toString(position.partition()));
    set(ours, OFFSET, Long.toString(position.offset()));
    String repaired = RecordHeaderText.lastText(source.headers(), TIMESTAMP);
    set(ours, TIMESTAMP, repaired == null ? Long.toString(source.timestamp()) : repaired);
    return ours;
  }

  private static Record<byte[], byte[]> bounded(
      Record<byte[], byte[]> source, Headers theirs, Headers ours, int limit) {
    Headers all = new RecordHeaders(theirs);
    ours.forEach(all::add);
    if (RecordLimits.size(source.key(), source.value(), all) <= limit) {
      return source.withHeaders(all);
    }
    if (source.value() != null) {
      set(ours, VALUE_OMITTED, Integer.toString(source.value().length));
      set(all, VALUE_OMITTED, Integer.toString(source.value().length));
    }
    Record<byte[], byte[]> shorter = source.withValue(null);
    if (RecordLimits.size(source.key(), null, all) <= limit) {
      return shorter.withHeaders(all);
    }
    boolean keyFits = RecordLimits.size(source.key(), null, ours) <= limit;
    return (keyFits ? shorter : shorter.<byte[]>withKey(null)).withHeaders(ours);
  }

  /**
   * Whether a header belongs to a dead letter itself; such headers of an earlier attempt are not
   * copied.
   */
  static boolean isOurs(String name) {
    return name.startsWith("shelf.");
  }

  /** The next number of attempts, when a dead letter was published again and failed again. */
  private static String nextAttempt(Headers headers) {
    String last = RecordHeaderText.lastText(headers, ATTEMPT);
    boolean isCount = last != null && last.matches("[1-9][0-9]{0,8}");
    return Integer.toString(isCount ? Math.min(MOST_ATTEMPTS, Integer.parseInt(last) + 1) : 1);
  }

  private static void set(Headers headers, String key, String value) {
    headers.remove(key).add(key, value.getBytes(StandardCharsets.UTF_8));
  }
}
