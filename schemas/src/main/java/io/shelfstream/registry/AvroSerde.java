package io.shelfstream.registry;

import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;
import org.jspecify.annotations.Nullable;

/**
 * Values of a topic as Avro in the Confluent wire format: generated classes of {@code
 * io.shelfstream.events}, or generic records of any schema. The subject is {@code <topic>-value}
 * unless the settings say otherwise. A null value stays null (a tombstone), both ways.
 *
 * <p>The schema id is read from the record header {@code __value_schema_id} where there is one,
 * else from the value's prefix; it is written as a prefix.
 *
 * <p>Records of any writer whose schema resolves to the class's own schema are read; every other
 * value, hostile ones included, ends in a {@link
 * org.apache.kafka.common.errors.SerializationException} and never in an error of the JVM. Memory
 * grows with the length of the value, not with the lengths it claims. When the registry cannot be
 * asked, a {@link SchemaRegistryException} says so: the same value may be readable later.
 *
 * <p>One serde may be shared by all threads. It holds nothing to close.
 *
 * @param <T> generated class, or {@link GenericRecord}
 */
public final class AvroSerde<T extends IndexedRecord> implements Serde<T> {

  private final AvroSerializer<T> serializer;
  private final AvroDeserializer<T> deserializer;
  private final @Nullable Schema schema;

  private AvroSerde(
      Class<T> type,
      @Nullable Schema schema,
      GenericData model,
      SchemaRegistryClient registry,
      WritePolicy policy) {
    TrustedClasses.install();
    this.schema = schema;
    this.serializer = new AvroSerializer<>(model, registry, policy);
    this.deserializer = new AvroDeserializer<>(type, schema, model, registry);
  }

  public static <T extends SpecificRecord> AvroSerde<T> of(
      Class<T> type, SchemaRegistryClient registry) {
    return specific(type, registry, WritePolicy.DEFAULT);
  }

  /** The same with the serialiser's settings, such as {@code use.latest.version}. */
  public static <T extends SpecificRecord> AvroSerde<T> of(
      Class<T> type, SchemaRegistryClient registry, SchemaRegistryConfig settings) {
    return specific(type, registry, settings.writePolicy());
  }

  /** Records of any schema, each read as it was written; logical types stay numbers. */
  public static AvroSerde<GenericRecord> generic(SchemaRegistryClient registry) {
    return new AvroSerde<>(
        GenericRecord.class, null, new GenericData(), registry, WritePolicy.DEFAULT);
  }

  /** Records that are all read as one schema, whatever they were written with. */
  public static AvroSerde<GenericRecord> generic(Schema reader, SchemaRegistryClient registry) {
    return new AvroSerde<>(
        GenericRecord.class, reader, new GenericData(), registry, WritePolicy.DEFAULT);
  }

  static <T extends SpecificRecord> AvroSerde<T> specific(
      Class<T> type, SchemaRegistryClient registry, WritePolicy policy) {
    TrustedClasses.install();
    SpecificData model = SpecificData.getForClass(type);
    return new AvroSerde<>(type, model.getSchema(type), model, registry, policy);
  }

  /**
   * Finds or registers the schema of a topic now, so that writing later needs no registry. Does
   * nothing for generic records, whose schemas are not known yet.
   *
   * @throws SchemaRegistryException when the registry refuses it or cannot be asked
   */
  public void prepare(String topic) {
    if (schema != null) {
      serializer.prepare(topic, schema);
    }
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
