package io.shelfstream.messages;

import io.shelfstream.recognition.RejectedException;
import io.shelfstream.recognition.Stage;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.IndexedRecord;
import org.jspecify.annotations.Nullable;

/**
 * Limits for the fields of records that we read. So an event, a status or a vector that copies them
 * always fits its topic, and memory does not depend on what a publisher sends. Every field of a
 * record is checked, so that a new field is limited as well.
 */
public final class FieldLimits {
  /**
   * Bytes of UTF-8 of an identifier, a label or any other text: longer than a GS1 element string, a
   * product's name or a path in practice.
   */
  static final int TEXT = 1024;

  /** Bytes of UTF-8 of a uri; what web servers usually accept. */
  static final int URI = 8 * 1024;

  /** Pairs of an attributes map. */
  static final int PAIRS = 64;

  /** Bytes of UTF-8 of all pairs of an attributes map together. */
  static final int ATTRIBUTES = 16 * 1024;

  /** Items of a list: regions of a frame, values of an embedding. */
  static final int ITEMS = 4096;

  private FieldLimits() {}

  /**
   * @throws RejectedException INVALID_RECORD, naming the field, its size and the limit
   */
  static void check(IndexedRecord record) throws RejectedException {
    for (Schema.Field field : record.getSchema().getFields()) {
      check(field.name(), record.get(field.pos()));
    }
  }

  private static void check(String field, @Nullable Object value) throws RejectedException {
    if (value instanceof CharSequence text) {
      if (!isInlineImage(field, text)) { // limited by the record itself, and never copied
        require(field, bytes(text), field.equals("uri") ? URI : TEXT, "bytes");
      }
    } else if (value instanceof Map<?, ?> map) {
      require(field, map.size(), PAIRS, "pairs");
      long bytes = 0;
      for (Map.Entry<?, ?> pair : map.entrySet()) {
        bytes += bytes(String.valueOf(pair.getKey())) + bytes(String.valueOf(pair.getValue()));
      }
      require(field, bytes, ATTRIBUTES, "bytes");
    } else if (value instanceof Collection<?> list) {
      require(field, list.size(), ITEMS, "items");
    } else if (value instanceof IndexedRecord record) {
      check(record);
    }
  }

  private static boolean isInlineImage(String field, CharSequence text) {
    return field.equals("uri") && text.toString().regionMatches(true, 0, "data:", 0, 5);
  }

  private static void require(String field, long has, int limit, String unit)
      throws RejectedException {
    if (has > limit) {
      throw invalid("%s has %d %s; at most %d are taken".formatted(field, has, unit, limit));
    }
  }

  /** Bytes of UTF-8, or slightly more. */
  private static long bytes(CharSequence text) {
    return 3L * text.length() <= TEXT
        ? text.length()
        : text.toString().getBytes(StandardCharsets.UTF_8).length;
  }

  /**
   * The key of a record as text.
   *
   * @throws RejectedException INVALID_RECORD when it is not UTF-8 (two keys could become one id) or
   *     longer than {@link #TEXT}
   */
  public static String key(byte @Nullable [] key) throws RejectedException {
    if (key == null) {
      return "";
    }
    require("The key", key.length, TEXT, "bytes");
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(key)).toString();
    } catch (CharacterCodingException e) {
      throw invalid("The key is not UTF-8");
    }
  }

  private static RejectedException invalid(String message) {
    return new RejectedException(Stage.READ, RejectedException.Reason.INVALID_RECORD, message);
  }
}
