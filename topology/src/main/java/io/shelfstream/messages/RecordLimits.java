package io.shelfstream.messages;

import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/**
 * Largest size of a record, in bytes, on each topic we write: the limit of the producer or of the
 * topic, whichever is less. Before compression, as the producer counts.
 *
 * @param pendingFrame on the changelog of the frames in hand
 * @param deadLetter on the dead-letter topic
 * @param recognition on the topic of recognition events
 * @param json on the topic of the same events as JSON
 * @param epcis on the topic of EPCIS observations
 */
public record RecordLimits(int pendingFrame, int deadLetter, int recognition, int json, int epcis) {

  /**
   * Bytes of a record and its batch in addition to key, value and headers: 61 + 21, and some
   * reserve.
   */
  public static final int OVERHEAD = 512;

  /** Bytes of a header in addition to its name and value: two lengths of up to 5 bytes. */
  private static final int OF_A_HEADER = 10;

  /** The same limit, in bytes, on every topic. */
  public static RecordLimits all(int limit) {
    return new RecordLimits(limit, limit, limit, limit, limit);
  }

  /** Bytes of a record, never less than what the producer counts. */
  public static long size(byte @Nullable [] key, byte @Nullable [] value, Headers headers) {
    long size = OVERHEAD + (long) length(key) + length(value);
    for (Header header : headers) {
      // Each character of a name is counted with three bytes, the most that it can take.
      size += OF_A_HEADER + 3L * header.key().length() + length(header.value());
    }
    return size;
  }

  public static int length(byte @Nullable [] bytes) {
    return bytes == null ? 0 : bytes.length;
  }
}
