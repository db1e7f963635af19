package io.shelfstream.registry;

import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.registry.SchemaRegistryException.Kind;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.ToIntFunction;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;

/**
 * A registry that lives as long as this process. Ids are fingerprints of the schema's parsing form
 * and the schemas of this version are registered from the start, so programs of one version that
 * never met in one process still read each other's records, and a topic outlives a restart. Records
 * of an older version with another schema are refused (their id is unknown), never misread.
 */
final class InMemorySchemaRegistry implements SchemaRegistryClient {

  private static final List<Schema> BUNDLED =
      List.of(
          ImageReference.getClassSchema(),
          RecognitionEvent.getClassSchema(),
          GalleryUpdate.getClassSchema(),
          GalleryVector.getClassSchema(),
          GalleryStatus.getClassSchema());
  private static final Map<String, InMemorySchemaRegistry> SCOPES = new ConcurrentHashMap<>();

  private final String url;
  private final ToIntFunction<Schema> firstId;
  private final Map<Integer, Schema> schemas = new ConcurrentHashMap<>();
  private final Map<String, List<Integer>> subjects = new ConcurrentHashMap<>();

  /**
   * @param firstId where to look for a schema's id first; schemas may share it
   */
  InMemorySchemaRegistry(String url, ToIntFunction<Schema> firstId) {
    this.url = url;
    this.firstId = firstId;
    BUNDLED.forEach(schema -> register(schema.getName(), schema));
  }

  static InMemorySchemaRegistry of(String url) {
    return SCOPES.computeIfAbsent(
        url, u -> new InMemorySchemaRegistry(u, InMemorySchemaRegistry::fingerprint));
  }

  @Override
  public String url() {
    return url;
  }

  /** Subjects share one id space, as in every registry. Nothing is refused. */
  @Override
  public int register(String subject, Schema schema) {
    Schema plain = PortableSchemas.withoutJavaStrings(schema);
    int id = firstId.applyAsInt(plain);
    while (!PortableSchemas.sameOnTheWire(schemas.computeIfAbsent(id, i -> plain), plain)) {
      id = id == Integer.MAX_VALUE ? 1 : id + 1;
    }
    List<Integer> versions = subjects.computeIfAbsent(subject, s -> new CopyOnWriteArrayList<>());
    if (!versions.contains(id)) {
      versions.add(id);
    }
    return id;
  }

  @Override
  public int idOf(String subject, Schema schema) {
    Schema plain = PortableSchemas.withoutJavaStrings(schema);
    return versions(subject).stream()
        .filter(id -> PortableSchemas.sameOnTheWire(schemaById(id), plain))
        .findFirst()
        .orElseThrow(() -> missing("schema " + schema.getFullName() + " under subject " + subject));
  }

  @Override
  public Schema schemaById(int id) {
    Schema schema = schemas.get(id);
    if (schema == null) {
      throw missing("schema with id " + id);
    }
    return schema;
  }

  @Override
  public Schema schemaByGuid(UUID guid) {
    return schemas.values().stream()
        .filter(schema -> guidOf(schema).equals(guid))
        .findFirst()
        .orElseThrow(() -> missing("schema with GUID " + guid));
  }

  static UUID guidOf(Schema schema) {
    return UUID.nameUUIDFromBytes(
        SchemaNormalization.toParsingForm(schema).getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public Version latest(String subject) {
    List<Integer> versions = versions(subject);
    if (versions.isEmpty()) {
      throw missing("version of subject " + subject);
    }
    int id = versions.get(versions.size() - 1);
    return new Version(id, versions.size(), schemaById(id));
  }

  @Override
  public List<String> incompatibilities(String subject, Schema schema) {
    return versions(subject).stream()
        .flatMap(id -> SchemaDifferences.between(schema, schemaById(id)).stream())
        .distinct()
        .toList();
  }

  private List<Integer> versions(String subject) {
    return subjects.getOrDefault(subject, List.of());
  }

  private SchemaRegistryException missing(String what) {
    return new SchemaRegistryException(
        Kind.NOT_FOUND,
        "Schema registry "
            + url
            + " has no "
            + what
            + ": the record was written with another registry or by another version; let writer and"
            + " reader use the same schema.registry.url and version");
  }

  /** 31 bits of Avro's 64-bit fingerprint, at least 1. */
  private static int fingerprint(Schema schema) {
    return Math.max(
        1, Long.hashCode(SchemaNormalization.parsingFingerprint64(schema)) & 0x7fffffff);
  }
}
