package io.shelfstream.registry;

import java.io.IOException;
import java.util.UUID;
import org.apache.avro.Schema;
import org.apache.avro.SystemLimitException;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DatumReader;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.common.cache.Cache;
import org.apache.kafka.common.cache.LRUCache;
import org.apache.kafka.common.cache.SynchronizedCache;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.Deserializer;
import org.jspecify.annotations.Nullable;

/**
 * Reading half of {@link AvroSerde}. Making a reader costs more than reading a record (5 µs against
 * 0.8 µs for 97 bytes), so there is one per writer schema.
 */
final class AvroDeserializer<T extends IndexedRecord> implements Deserializer<T> {

  // Avro builds readers in caches that it shares between serdes without guarding all of them.
  private static final Object BUILDING = new Object();
  private static final int LONGEST_CAUSE = 300;
  private static final int READERS = 1000;

  private final Class<T> type;
  private final @Nullable Schema schema;
  private final GenericData model;
  private final SchemaRegistryClient registry;
  private final Cache<Object, DatumReader<Object>> readers =
      new SynchronizedCache<>(new LRUCache<>(READERS)); // by Integer id and by UUID

  /**
   * Reads one type of records.
   *
   * @param schema to read everything as; null: every record as it was written
   */
  AvroDeserializer(
      Class<T> type, @Nullable Schema schema, GenericData model, SchemaRegistryClient registry) {
    this.type = type;
    this.schema = schema;
    this.model = model;
    this.registry = registry;
  }

  @Override
  public @Nullable T deserialize(String topic, byte @Nullable [] data) {
    return deserialize(topic, new RecordHeaders(), data);
  }

  // A stack overflow is how a deeply nested value of a recursive writer schema ends.
  @Override
  public @Nullable T deserialize(String topic, Headers headers, byte @Nullable [] data) {
    if (data == null) {
      return null;
    }
    try {
      Object inHeaders = WireFormat.schemaId(headers);
      return inHeaders != null
          ? read(reader(inHeaders), data, 0)
          : read(reader(WireFormat.schemaId(data)), data, WireFormat.PREFIX_LENGTH);
    } catch (SchemaRegistryException e) {
      if (e.isTemporary()) {
        throw e; // nothing is known against the record
      }
      throw unreadable(topic, data, e);
    } catch (IOException | RuntimeException | StackOverflowError e) {
      throw unreadable(topic, data, e);
    }
  }

  private SerializationException unreadable(String topic, byte[] data, Throwable e) {
    return new SerializationException(
        "Value of "
            + data.length
            + " bytes on topic "
            + topic
            + " cannot be read as "
            + (schema == null ? "Avro" : schema.getName())
            + ": "
            + reason(e),
        e);
  }

  private T read(DatumReader<Object> reader, byte[] data, int from) throws IOException {
    BinaryDecoder decoder =
        DecoderFactory.get().binaryDecoder(data, from, data.length - from, null);
    T value = type.cast(readBounded(reader, decoder));
    if (!decoder.isEnd()) {
      throw new SerializationException(
          "bytes follow the record; it was written with another schema than its id says");
    }
    return value;
  }

  /** The scope makes Avro add up elements that take no bytes over the whole record. */
  private static Object readBounded(DatumReader<Object> reader, BinaryDecoder decoder)
      throws IOException {
    SystemLimitException.beginCollectionAllocationScope();
    try {
      return reader.read(null, decoder);
    } finally {
      SystemLimitException.endCollectionAllocationScope();
    }
  }

  private DatumReader<Object> reader(Object id) {
    DatumReader<Object> known = readers.get(id);
    if (known != null) {
      return known;
    }
    DatumReader<Object> made = newReader(id);
    readers.put(id, made);
    return made;
  }

  private DatumReader<Object> newReader(Object id) {
    Schema writer =
        id instanceof UUID guid ? registry.schemaByGuid(guid) : registry.schemaById((Integer) id);
    requireSameRecord(id, writer);
    if (schema != null) {
      LogicalTypeNames.difference(writer, schema)
          .ifPresent(
              difference -> {
                throw new SerializationException("schema " + id + ": " + difference);
              });
    }
    synchronized (BUILDING) {
      try {
        return model
            .getFastReaderBuilder()
            .createDatumReader(writer, schema == null ? writer : schema);
      } catch (IOException e) {
        throw new SerializationException(
            "schema " + id + " (" + writer.getFullName() + ") does not resolve to it", e);
      }
    }
  }

  /**
   * Avro for Java resolves records by their fields alone: a recognition event would pass for an
   * image reference. The specification asks for the same name, without its namespace, or an alias.
   */
  private void requireSameRecord(Object id, Schema writer) {
    if (writer.getType() != Schema.Type.RECORD) {
      throw new SerializationException(
          "schema " + id + " is that of " + writer.getType() + ", not of a record");
    }
    boolean same =
        schema == null
            || writer.getName().equals(schema.getName())
            || schema.getAliases().contains(writer.getFullName());
    if (!same) {
      throw new SerializationException(
          "schema " + id + " is that of " + writer.getFullName() + "; send it to its own topic");
    }
  }

  private static String reason(Throwable e) {
    String message = e instanceof StackOverflowError ? "nested too deeply" : e.getMessage();
    String text = message == null ? e.getClass().getSimpleName() : message;
    return text.length() <= LONGEST_CAUSE ? text : text.substring(0, LONGEST_CAUSE) + "…";
  }
}
