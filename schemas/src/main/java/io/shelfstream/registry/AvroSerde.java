package io.shelfstream.registry;

import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

/**
 * Values of a topic as Avro in the Confluent wire format, for the generated classes of {@code
 * io.shelfstream.events}. The subject is {@code <topic>-value}. A null value stays null (a
 * tombstone), both ways.
 *
 * <p>Records of any writer whose schema resolves to the class's own schema are read; every other
 * value, hostile ones included, ends in a {@link
 * org.apache.kafka.common.errors.SerializationException} and never in an error of the JVM. Memory
 * grows with the length of the value, not with the lengths it claims.
 *
 * <p>One serde may be shared by all threads. It holds nothing to close.
 *
 * @param <T> generated class
 */
public final class AvroSerde<T extends SpecificRecord> implements Serde<T> {

  private final Serializer<T> serializer;
  private final Deserializer<T> deserializer;

  private AvroSerde(Class<T> type, SchemaRegistryClient registry) {
    TrustedClasses.install();
    SpecificData model = SpecificData.getForClass(type);
    this.serializer = new AvroSerializer<>(model.getSchema(type), model, registry);
    this.deserializer = new AvroDeserializer<>(type, model.getSchema(type), model, registry);
  }

  public static <T extends SpecificRecord> AvroSerde<T> of(
      Class<T> type, SchemaRegistryClient registry) {
    return new AvroSerde<>(type, registry);
  }

  @Override
  public Serializer<T> serializer() {
    return serializer;
  }

  @Override
  public Deserializer<T> deserializer() {
    return deserializer;
  }
}
