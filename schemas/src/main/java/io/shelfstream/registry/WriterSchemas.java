package io.shelfstream.registry;

import io.shelfstream.registry.SchemaRegistryException.Kind;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DatumWriter;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.Encoder;
import org.apache.avro.io.EncoderFactory;
import org.jspecify.annotations.Nullable;

/** Finds under which schema and id a topic's records are written, and keeps the answers. */
final class WriterSchemas {

  private record Key(String topic, Schema schema) {}

  /** How one schema's records are written to one topic. */
  interface Writer {
    int id();

    void write(Object record, Encoder out) throws IOException;
  }

  private final GenericData model;
  private final SchemaRegistryClient registry;
  private final WritePolicy policy;
  private final Map<Key, Writer> writers = new ConcurrentHashMap<>();
  private final Map<Key, Long> askedAt = new ConcurrentHashMap<>();

  WriterSchemas(GenericData model, SchemaRegistryClient registry, WritePolicy policy) {
    this.model = model;
    this.registry = registry;
    this.policy = policy;
  }

  Writer of(String topic, Schema schema) {
    Key key = new Key(topic, schema);
    Writer known = writers.get(key);
    if (known != null && !isStale(key)) {
      return known;
    }
    Writer found = find(key, known);
    writers.put(key, found);
    askedAt.put(key, System.nanoTime());
    return found;
  }

  private boolean isStale(Key key) {
    long age = System.nanoTime() - askedAt.getOrDefault(key, 0L);
    return policy.useLatest()
        && !policy.latestTtl().isNegative()
        && age >= policy.latestTtl().toNanos();
  }

  private Writer find(Key key, @Nullable Writer known) {
    String subject = policy.subjects().subject(key.topic(), key.schema());
    if (policy.useSchemaId() >= 0) {
      int id = policy.useSchemaId();
      return converting(key.schema(), id, registry.schemaById(id), "schema id " + id);
    }
    if (policy.useLatest()) {
      return latest(key, known, subject);
    }
    int id =
        policy.autoRegister()
            ? registry.register(subject, key.schema())
            : registry.idOf(subject, key.schema());
    return new Plain(id, model.createDatumWriter(key.schema()));
  }

  /** While the registry is away the version that was the latest goes on. */
  private Writer latest(Key key, @Nullable Writer known, String subject) {
    try {
      SchemaRegistryClient.Version latest = registry.latest(subject);
      return converting(
          key.schema(), latest.id(), latest.schema(), "the latest version of " + subject);
    } catch (SchemaRegistryException e) {
      if (known != null && e.isTemporary()) {
        return known;
      }
      throw e;
    }
  }

  private Writer converting(Schema own, int id, Schema target, String what) {
    if (policy.latestStrict()) {
      requireReadable(own, target, what);
    }
    LogicalTypeNames.difference(target, own)
        .ifPresent(
            difference -> {
              throw new SchemaRegistryException(
                  Kind.REFUSED,
                  "Schema registry %s: %s (%s) cannot carry our records: %s; register one with the same logical types"
                      .formatted(registry.url(), what, target.getFullName(), difference));
            });
    return new Converting(id, model.createDatumWriter(own), own, target);
  }

  private void requireReadable(Schema own, Schema target, String what) {
    boolean fits =
        SchemaCompatibility.checkReaderWriterCompatibility(target, own).getType()
            == SchemaCompatibility.SchemaCompatibilityType.COMPATIBLE;
    if (!fits) {
      List<String> differences = SchemaDifferences.between(target, own);
      throw new SchemaRegistryException(
          Kind.REFUSED,
          "Schema registry %s: %s (%s) cannot carry records of our %s: %s. Register a compatible one, or set latest.compatibility.strict=false"
              .formatted(
                  registry.url(),
                  what,
                  target.getFullName(),
                  own.getFullName(),
                  String.join("; ", differences)));
    }
  }

  private record Plain(int id, DatumWriter<Object> writer) implements Writer {
    @Override
    public void write(Object record, Encoder out) throws IOException {
      writer.write(record, out);
    }
  }

  /** By the names of the fields: writing by position would shift values when the order differs. */
  private record Converting(int id, DatumWriter<Object> writer, Schema own, Schema target)
      implements Writer {
    @Override
    public void write(Object record, Encoder out) throws IOException {
      ByteArrayOutputStream asOwn = new ByteArrayOutputStream(256);
      BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(asOwn, null);
      writer.write(record, encoder);
      encoder.flush();
      Object asTarget =
          new GenericDatumReader<>(own, target)
              .read(null, DecoderFactory.get().binaryDecoder(asOwn.toByteArray(), null));
      new GenericDatumWriter<>(target).write(asTarget, out);
    }
  }
}
