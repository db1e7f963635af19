package io.shelfstream.messages;

import io.shelfstream.recognition.ShortText;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/**
 * Reads headers of any origin as text: Kafka allows null values, bytes that are not UTF-8, a name
 * several times and values as long as a record. Usable by any thread.
 */
public final class RecordHeaderText {
  /** A UTF-16 unit takes at most three bytes of UTF-8. */
  private static final int MOST_BYTES = 3 * (ShortText.LONGEST + 1);

  private RecordHeaderText() {}

  /**
   * The value of the last header of this name as UTF-8, or null when there is none or its value is
   * null. What is not UTF-8 becomes U+FFFD; what is longer than {@link ShortText#LONGEST} ends with
   * "…".
   */
  public static @Nullable String lastText(Headers headers, String name) {
    Header header = headers.lastHeader(name);
    return header == null ? null : text(header.value());
  }

  /** The same for bytes, for example a record's key. */
  public static @Nullable String text(byte @Nullable [] bytes) {
    if (bytes == null) {
      return null;
    }
    return ShortText.of(
        new String(bytes, 0, Math.min(bytes.length, MOST_BYTES), StandardCharsets.UTF_8));
  }
}
