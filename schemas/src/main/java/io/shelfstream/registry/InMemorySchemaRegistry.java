package io.shelfstream.registry;

import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToIntFunction;
import java.util.regex.Pattern;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;

/**
 * A registry that lives as long as this process. Ids are fingerprints of the schema's parsing form
 * and the schemas of this version are registered from the start, so programs of one version that
 * never met in one process still read each other's records, and a topic outlives a restart. Records
 * of an older version with another schema are refused (their id is unknown), never misread.
 */
final class InMemorySchemaRegistry implements SchemaRegistryClient {

  private static final Pattern URL = Pattern.compile("mock://[A-Za-z0-9._-]+");
  // Only Avro's own writer made the text, and inside a JSON string the quotes would be escaped.
  private static final Pattern JAVA_STRING = Pattern.compile(",\"avro\\.java\\.string\":\"\\w+\"");
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

  /**
   * @param firstId where to look for a schema's id first; schemas may share it
   */
  InMemorySchemaRegistry(String url, ToIntFunction<Schema> firstId) {
    this.url = url;
    this.firstId = firstId;
    BUNDLED.forEach(schema -> register(schema.getName(), schema));
  }

  static InMemorySchemaRegistry of(String url) {
    if (!URL.matcher(url).matches()) {
      throw new SchemaRegistryException(
          "Schema registry "
              + url
              + " cannot be used: only mock://SCOPE (in memory, SCOPE of letters, digits, . _ -) is"
              + " available in this version; set schema.registry.url=mock://shelfstream");
    }
    return SCOPES.computeIfAbsent(
        url, u -> new InMemorySchemaRegistry(u, InMemorySchemaRegistry::fingerprint));
  }

  /** Subjects share one id space, as in every registry. */
  @Override
  public int register(String subject, Schema schema) {
    Schema plain = withoutJavaProperties(schema);
    int id = firstId.applyAsInt(plain);
    while (!sameOnTheWire(schemas.computeIfAbsent(id, i -> plain), plain)) {
      id = id == Integer.MAX_VALUE ? 1 : id + 1;
    }
    return id;
  }

  @Override
  public Schema schemaById(int id) {
    Schema schema = schemas.get(id);
    if (schema == null) {
      throw new SchemaRegistryException(
          "Schema registry "
              + url
              + " has no schema with id "
              + id
              + ": the record was written with another registry or by another version; let writer and"
              + " reader use the same schema.registry.url and version");
    }
    return schema;
  }

  private static Schema withoutJavaProperties(Schema schema) {
    return new Schema.Parser().parse(JAVA_STRING.matcher(schema.toString()).replaceAll(""));
  }

  /** Docs, defaults, aliases and logical types of the writer do not change its bytes. */
  private static boolean sameOnTheWire(Schema one, Schema other) {
    return one.equals(other)
        || SchemaNormalization.toParsingForm(one).equals(SchemaNormalization.toParsingForm(other));
  }

  /** 31 bits of Avro's 64-bit fingerprint, at least 1. */
  private static int fingerprint(Schema schema) {
    return Math.max(
        1, Long.hashCode(SchemaNormalization.parsingFingerprint64(schema)) & 0x7fffffff);
  }
}
