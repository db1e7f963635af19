package io.shelfstream.registry;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.avro.Schema;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DatumWriter;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Serializer;
import org.jspecify.annotations.Nullable;

/** Writing half of {@link AvroSerde}. Asks the registry once per topic. */
final class AvroSerializer<T extends SpecificRecord> implements Serializer<T> {

  private final Schema schema;
  private final DatumWriter<Object> writer;
  private final SchemaRegistryClient registry;
  private final Map<String, Integer> ids = new ConcurrentHashMap<>();

  AvroSerializer(Schema schema, SpecificData model, SchemaRegistryClient registry) {
    this.schema = schema;
    this.writer = model.createDatumWriter(schema);
    this.registry = registry;
  }

  @Override
  public byte @Nullable [] serialize(String topic, @Nullable T value) {
    if (value == null) {
      return null;
    }
    try {
      ByteArrayOutputStream out = new ByteArrayOutputStream(256);
      out.write(WireFormat.prefix(schemaId(topic)));
      BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
      writer.write(value, encoder);
      encoder.flush();
      return out.toByteArray();
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

  private int schemaId(String topic) {
    return ids.computeIfAbsent(topic, t -> registry.register(t + "-value", schema));
  }
}
