package io.shelfstream.registry;

import java.nio.ByteBuffer;
import org.apache.kafka.common.errors.SerializationException;

/**
 * The Confluent wire format: byte 0, the schema's id as 4 bytes big-endian, the Avro binary body.
 */
final class WireFormat {

  static final byte MAGIC = 0;
  static final int PREFIX_LENGTH = 5;

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
}
