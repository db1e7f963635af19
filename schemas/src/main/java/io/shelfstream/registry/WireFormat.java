package io.shelfstream.registry;

import java.nio.ByteBuffer;
import java.util.UUID;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/**
 * The Confluent wire format: byte 0, the schema's id as 4 bytes big-endian, the Avro binary body.
 * Newer clients may put the id into a header instead, and only the body into the value.
 */
final class WireFormat {

  static final byte MAGIC = 0;
  static final int PREFIX_LENGTH = 5;

  /** Says which schema a value was written with: byte 0 and an id, or byte 1 and a GUID. */
  static final String HEADER = "__value_schema_id";

  private static final byte GUID_MAGIC = 1;
  private static final int GUID_LENGTH = 17;

  private WireFormat() {}

  static byte[] prefix(int id) {
    return ByteBuffer.allocate(PREFIX_LENGTH).put(MAGIC).putInt(id).array();
  }

  /**
   * The schema id in front of a record.
   *
   * @throws SerializationException when these bytes are not in the wire format
   */
  static int schemaId(byte[] data) {
    if (data.length < PREFIX_LENGTH) {
      throw new SerializationException(
          "the wire format starts with 5 bytes, got " + data.length + " in all");
    }
    if (data[0] != MAGIC) {
      throw new SerializationException(
          String.format(
              "the wire format starts with byte 0x00, got 0x%02x; write with a schema-registry"
                  + " serialiser",
              data[0]));
    }
    return ByteBuffer.wrap(data).getInt(1);
  }

  /**
   * The schema id in a record's headers.
   *
   * @return an Integer id, a UUID, or null when there is no such header
   * @throws SerializationException when the header is there but holds something else
   */
  static @Nullable Object schemaId(Headers headers) {
    Header header = headers.lastHeader(HEADER);
    if (header == null) {
      return null;
    }
    byte[] value = header.value();
    if (value != null && value.length == PREFIX_LENGTH && value[0] == MAGIC) {
      return ByteBuffer.wrap(value).getInt(1);
    }
    if (value != null && value.length == GUID_LENGTH && value[0] == GUID_MAGIC) {
      ByteBuffer guid = ByteBuffer.wrap(value, 1, GUID_LENGTH - 1);
      return new UUID(guid.getLong(), guid.getLong());
    }
    throw new SerializationException(
        "header "
            + HEADER
            + " holds byte 0 and an id of 4 bytes, or byte 1 and a GUID of 16, got "
            + (value == null ? "nothing" : value.length + " bytes"));
  }
}
