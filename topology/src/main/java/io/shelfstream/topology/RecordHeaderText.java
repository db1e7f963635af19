package io.shelfstream.topology;

import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/**
 * Reads headers as text, whoever wrote them: Kafka allows null values, bytes that are not UTF-8, a
 * name several times and values as long as a record. Usable by any thread.
 */
public final class RecordHeaderText {
  /** Longest text that is returned, in UTF-16 units. Our own are shorter; the end shows a cut. */
  public static final int LONGEST = 1000;

  private static final String CUT = "…";

  /** A UTF-16 unit takes at most three bytes of UTF-8. */
  private static final int MOST_BYTES = 3 * (LONGEST + 1);

  private RecordHeaderText() {}

  /**
   * The value of the last header of this name as UTF-8, or null when there is none or its value is
   * null. What is not UTF-8 becomes U+FFFD; what is longer than {@link #LONGEST} ends with "…".
   */
  public static @Nullable String lastText(Headers headers, String name) {
    Header header = headers.lastHeader(name);
    return header == null ? null : text(header.value());
  }

  /** The same of bytes, for instance those of a record's key. */
  public static @Nullable String text(byte @Nullable [] bytes) {
    if (bytes == null) {
      return null;
    }
    return shortened(
        new String(bytes, 0, Math.min(bytes.length, MOST_BYTES), StandardCharsets.UTF_8));
  }

  /** A text of at most {@link #LONGEST} UTF-16 units; what is longer ends with "…". */
  static String shortened(String text) {
    if (text.length() <= LONGEST) {
      return text;
    }
    int end = LONGEST - CUT.length();
    return text.substring(0, Character.isHighSurrogate(text.charAt(end - 1)) ? end - 1 : end) + CUT;
  }
}
