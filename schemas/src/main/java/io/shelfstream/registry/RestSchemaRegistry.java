package io.shelfstream.registry;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shelfstream.registry.RegistryHttp.Answer;
import io.shelfstream.registry.SchemaRegistryException.Kind;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.kafka.common.cache.Cache;
import org.apache.kafka.common.cache.LRUCache;
import org.apache.kafka.common.cache.SynchronizedCache;

/**
 * A registry behind the Confluent REST API: Confluent's own, Apicurio ({@code /apis/ccompat/v7}),
 * Karapace, Redpanda. Schemas never change once they have an id, so whatever was learnt stays known
 * while the registry is away.
 */
final class RestSchemaRegistry implements SchemaRegistryClient {

  private static final int CONFLICT = 409;
  private static final int INVALID = 422;
  private static final int SUBJECT_NOT_FOUND = 40401;
  private static final int VERSION_NOT_FOUND = 40402;
  private static final int SCHEMA_NOT_FOUND = 40403;

  private record Subject(String name, Schema schema) {}

  private final SchemaRegistryConfig config;
  private final RegistryHttp http;
  private final Cache<Object, Schema> schemas; // by Integer id and by UUID
  private final Cache<Subject, Integer> ids;
  private final Cache<Object, Long> missing; // until which System.nanoTime()

  RestSchemaRegistry(SchemaRegistryConfig config) {
    this.config = config;
    this.http = new RegistryHttp(config);
    this.schemas = new SynchronizedCache<>(new LRUCache<>(config.cacheSize()));
    this.ids = new SynchronizedCache<>(new LRUCache<>(config.cacheSize()));
    this.missing = new SynchronizedCache<>(new LRUCache<>(config.cacheSize()));
  }

  @Override
  public String url() {
    return http.shownUrls();
  }

  @Override
  public int register(String subject, Schema schema) {
    Subject key = new Subject(subject, schema);
    Integer known = ids.get(key);
    return known != null ? known : remember(key, registered(subject, portable(schema)));
  }

  @Override
  public int idOf(String subject, Schema schema) {
    Subject key = new Subject(subject, schema);
    Integer known = ids.get(key);
    return known != null ? known : remember(key, found(subject, portable(schema)));
  }

  private int remember(Subject key, int id) {
    ids.put(key, id);
    return id;
  }

  private int registered(String subject, Schema schema) {
    Answer answer =
        http.ask(
            "/subjects/" + segment(subject) + "/versions" + query(),
            body(schema),
            "the registration of subject " + subject);
    if (answer.isSuccess()) {
      return id(answer);
    }
    boolean isVerdict = answer.status() == CONFLICT || answer.status() == INVALID;
    if (!isVerdict) {
      throw odd(answer, "the registration of subject " + subject);
    }
    String reason = answer.message();
    if (answer.status() == CONFLICT) {
      reason += whatDiffers(subject, schema);
    }
    throw new SchemaRegistryException(
        Kind.REFUSED,
        "Schema registry %s refuses schema %s for subject %s: %s. Change the schema, or use another topic"
            .formatted(answer.url(), schema.getFullName(), subject, reason));
  }

  /** Registries word a conflict very differently, and some not at all. */
  private String whatDiffers(String subject, Schema schema) {
    try {
      List<String> lines = SchemaDifferences.between(schema, latest(subject).schema());
      return lines.isEmpty() ? "" : " (" + String.join("; ", lines) + ")";
    } catch (SchemaRegistryException e) {
      return "";
    }
  }

  private int found(String subject, Schema schema) {
    Answer answer =
        http.ask("/subjects/" + segment(subject) + query(), body(schema), "subject " + subject);
    if (answer.isSuccess()) {
      return id(answer);
    }
    if (answer.errorCode() == SUBJECT_NOT_FOUND) {
      throw notRegistered(answer, subject, schema);
    }
    // Registries compare texts: the same schema with another doc or order of properties is missed.
    return versions(subject).stream()
        .map(number -> version(subject, number.toString()))
        .filter(version -> version.schema().equals(schema))
        .map(Version::id)
        .findFirst()
        .orElseThrow(() -> notRegistered(answer, subject, schema));
  }

  private static SchemaRegistryException notRegistered(
      Answer answer, String subject, Schema schema) {
    return new SchemaRegistryException(
        Kind.NOT_FOUND,
        "Schema registry %s has no schema %s like ours under subject %s; register it there, or set auto.register.schemas=true"
            .formatted(answer.url(), schema.getFullName(), subject));
  }

  /** Newest first. */
  private List<Integer> versions(String subject) {
    Answer answer =
        http.ask("/subjects/" + segment(subject) + "/versions", null, "subject " + subject);
    List<Integer> numbers = new ArrayList<>();
    if (answer.isSuccess()) {
      answer.body().forEach(number -> numbers.add(number.asInt()));
    }
    Collections.reverse(numbers);
    return numbers;
  }

  @Override
  public Schema schemaById(int id) {
    String what = "schema with id " + id;
    if (id < 1) {
      throw unknown(what); // no registry gives such ids
    }
    return cached(id, what, "/schemas/ids/" + id);
  }

  @Override
  public Schema schemaByGuid(UUID guid) {
    return cached(guid, "schema with GUID " + guid, "/schemas/guids/" + guid);
  }

  private Schema cached(Object key, String what, String path) {
    Schema known = schemas.get(key);
    if (known != null) {
      return known;
    }
    Long until = missing.get(key);
    if (until != null && System.nanoTime() < until) {
      throw unknown(what + " (asked a moment ago)");
    }
    try {
      Schema schema = byPath(path, what);
      schemas.put(key, schema);
      return schema;
    } catch (SchemaRegistryException e) {
      if (!e.isTemporary()) {
        missing.put(key, System.nanoTime() + config.missingTtl().toNanos());
      }
      throw e;
    }
  }

  private Schema byPath(String path, String what) {
    Answer answer = http.ask(path, null, what);
    boolean isGuid = path.startsWith("/schemas/guids/");
    if (!answer.isSuccess()) {
      // Registries of before 2025 do not know GUIDs at all, and say 404 without a code.
      throw answer.errorCode() == SCHEMA_NOT_FOUND || isGuid ? unknown(what) : odd(answer, what);
    }
    return parsed(answer, what);
  }

  private SchemaRegistryException unknown(String what) {
    return new SchemaRegistryException(
        Kind.NOT_FOUND,
        "Schema registry %s has no %s: the record was written with another registry; let writer and reader use the same schema.registry.url"
            .formatted(url(), what));
  }

  /** A refusal that no registry should give here: nothing is known about the schema. */
  private static SchemaRegistryException odd(Answer answer, String what) {
    return new SchemaRegistryException(
        Kind.UNAVAILABLE,
        "Schema registry %s was asked for %s and answered: %s (HTTP status %d); check the path in schema.registry.url"
            .formatted(answer.url(), what, answer.message(), answer.status()));
  }

  @Override
  public Version latest(String subject) {
    return version(subject, "latest");
  }

  private Version version(String subject, String number) {
    String what = "version " + number + " of subject " + subject;
    Answer answer = http.ask(versionPath(subject, number), null, what);
    if (answer.isSuccess()) {
      return new Version(id(answer), answer.body().path("version").asInt(), parsed(answer, what));
    }
    if (answer.errorCode() == SUBJECT_NOT_FOUND || answer.errorCode() == VERSION_NOT_FOUND) {
      throw new SchemaRegistryException(
          Kind.NOT_FOUND,
          "Schema registry %s has no %s; register a schema there first"
              .formatted(answer.url(), what));
    }
    throw odd(answer, what);
  }

  private static String versionPath(String subject, String number) {
    return "/subjects/" + segment(subject) + "/versions/" + number;
  }

  @Override
  public List<String> incompatibilities(String subject, Schema schema) {
    String what = "the compatibility of subject " + subject;
    Answer answer =
        http.ask(
            "/compatibility" + versionPath(subject, "latest") + "?verbose=true",
            body(portable(schema)),
            what);
    if (answer.errorCode() == SUBJECT_NOT_FOUND || answer.errorCode() == VERSION_NOT_FOUND) {
      return List.of();
    }
    if (!answer.isSuccess()) {
      if (answer.status() == INVALID) {
        return List.of(answer.message());
      }
      throw odd(answer, what);
    }
    if (answer.body().path("is_compatible").asBoolean()) {
      return List.of();
    }
    List<String> reasons = new ArrayList<>();
    answer.body().path("messages").forEach(message -> reasons.add(message.asText()));
    reasons.addAll(SchemaDifferences.between(portable(schema), latest(subject).schema()));
    return reasons.isEmpty() ? List.of("not compatible; the registry does not say why") : reasons;
  }

  private int id(Answer answer) {
    int id = answer.body().path("id").asInt(-1);
    if (id < 1) {
      throw odd(answer, "a schema id");
    }
    return id;
  }

  private Schema parsed(Answer answer, String what) {
    String type = answer.body().path("schemaType").asText("AVRO");
    if (!type.equals("AVRO")) {
      throw new SchemaRegistryException(
          Kind.REFUSED,
          "Schema registry %s has %s, but as %s; send Avro".formatted(answer.url(), what, type));
    }
    try {
      Schema.Parser parser = new Schema.Parser();
      parseReferences(parser, answer.body(), new HashSet<>());
      return parser.parse(answer.body().path("schema").asText());
    } catch (AvroRuntimeException | StackOverflowError e) {
      throw new SchemaRegistryException(
          Kind.REFUSED,
          "Schema registry %s has %s, but Avro cannot parse it: %s"
              .formatted(answer.url(), what, e.getMessage()),
          e);
    }
  }

  /** What a schema refers to must be known to the parser before it; depth first, each once. */
  private void parseReferences(Schema.Parser parser, JsonNode body, Set<String> seen) {
    for (JsonNode reference : body.path("references")) {
      String subject = reference.path("subject").asText();
      String number = reference.path("version").asText();
      if (seen.add(subject + "/" + number)) {
        String what = "version " + number + " of subject " + subject + ", which is referred to";
        Answer answer = http.ask(versionPath(subject, number), null, what);
        if (!answer.isSuccess()) {
          throw odd(answer, what);
        }
        parseReferences(parser, answer.body(), seen);
        parser.parse(answer.body().path("schema").asText());
      }
    }
  }

  private Schema portable(Schema schema) {
    return config.removesJavaProperties() ? PortableSchemas.withoutJavaStrings(schema) : schema;
  }

  private String query() {
    return config.normalizes() ? "?normalize=true" : "";
  }

  private static ObjectNode body(Schema schema) {
    return JsonNodeFactory.instance.objectNode().put("schema", schema.toString());
  }

  private static String segment(String subject) {
    return URLEncoder.encode(subject, StandardCharsets.UTF_8).replace("+", "%20");
  }
}
