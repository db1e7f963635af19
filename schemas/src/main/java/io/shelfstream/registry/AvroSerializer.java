package io.shelfstream.registry;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.Serializer;
import org.jspecify.annotations.Nullable;

/**
 * Writing half of {@link AvroSerde}: the id in front of the record. Asks the registry once per
 * topic.
 */
final class AvroSerializer<T extends IndexedRecord> implements Serializer<T> {

  private final WriterSchemas schemas;

  /** Each holds a buffer of 2 KiB. One that failed holds nothing over: it is set up anew. */
  private final ThreadLocal<@Nullable BinaryEncoder> encoders = new ThreadLocal<>();

  AvroSerializer(GenericData model, SchemaRegistryClient registry, WritePolicy policy) {
    this.schemas = new WriterSchemas(model, registry, policy);
  }

  /** A header that named the schema of the source record would be believed before the prefix. */
  @Override
  public byte @Nullable [] serialize(String topic, Headers headers, @Nullable T value) {
    headers.remove(WireFormat.HEADER);
    return serialize(topic, value);
  }

  @Override
  public byte @Nullable [] serialize(String topic, @Nullable T value) {
    if (value == null) {
      return null;
    }
    Schema schema = value.getSchema();
    try {
      WriterSchemas.Writer writer = schemas.of(topic, schema);
      ByteArrayOutputStream out = new ByteArrayOutputStream(256);
      out.write(WireFormat.prefix(writer.id()));
      BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, encoders.get());
      encoders.set(encoder);
      writer.write(value, encoder);
      encoder.flush();
      return out.toByteArray();
    } catch (SchemaRegistryException e) {
      throw e; // the message names the subject; nothing is wrong with the record
    } catch (IOException | RuntimeException e) {
      throw new SerializationException(
          schema.getName()
              + " cannot be written to topic "
              + topic
              + ": "
              + e.getMessage()
              + "; set every field that has no default",
          e);
    }
  }

  /** Learns id and schema for a topic before the first record needs them. */
  void prepare(String topic, Schema schema) {
    schemas.of(topic, schema);
  }
}
