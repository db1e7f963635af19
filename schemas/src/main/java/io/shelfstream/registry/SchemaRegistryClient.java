package io.shelfstream.registry;

import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.avro.Schema;

/**
 * What the serde asks of a schema registry. Implementations are safe for use by several threads,
 * may block, and register schemas without Avro's Java-only property {@code avro.java.string}, so
 * that programs in other languages find the schema they know.
 *
 * <p>Every method throws {@link SchemaRegistryException}; its kind tells a refusal from a registry
 * that cannot be asked just now.
 */
public interface SchemaRegistryClient {

  /**
   * A schema of a subject.
   *
   * @param id that travels in front of every record, at least 1
   * @param version within the subject, from 1
   */
  record Version(int id, int version, Schema schema) {}

  /**
   * Registers a schema, or finds it when it is there already: equal schemas have one id.
   *
   * @param subject {@code <topic>-value} for the values of a topic
   * @return the id that travels in front of every record, at least 1
   */
  int register(String subject, Schema schema);

  /** The id of a schema that is registered under a subject; registers nothing. */
  int idOf(String subject, Schema schema);

  /**
   * The schema a record was written with.
   *
   * @param id as found in front of the record; any value, also one that no registry ever gave
   */
  Schema schemaById(int id);

  /** The same by the id that newer clients put into a record's headers. */
  Schema schemaByGuid(UUID guid);

  /** The newest version of a subject. */
  Version latest(String subject);

  /**
   * Asks whether a schema could be registered.
   *
   * @return what stands against it, as the registry words it; empty when it could, also when the
   *     subject is new
   */
  List<String> incompatibilities(String subject, Schema schema);

  /** The registry's address, without credentials. */
  String url();

  /**
   * Opens the registry behind a URL, with defaults for everything else.
   *
   * @param url {@code mock://scope}: a registry in the memory of this process, shared by everybody
   *     who names the same scope; else {@code http(s)://…}, several separated by commas
   */
  static SchemaRegistryClient create(String url) {
    return create(Map.of(SchemaRegistryConfig.URL, url));
  }

  /** Opens a registry by settings that are named as the official serialisers name them. */
  static SchemaRegistryClient create(Map<String, String> settings) {
    SchemaRegistryConfig config = SchemaRegistryConfig.of(settings);
    return config.isMock()
        ? InMemorySchemaRegistry.of(config.url())
        : new RestSchemaRegistry(config);
  }
}
