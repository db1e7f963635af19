package io.shelfstream.registry;

import org.apache.avro.Schema;

/**
 * What the serde asks of a schema registry. Implementations are safe for use by several threads,
 * may block, and register schemas without Avro's Java-only property {@code avro.java.string}, so
 * that programs in other languages find the schema they know.
 */
public interface SchemaRegistryClient {

  /**
   * Registers a schema, or finds it when it is there already: equal schemas have one id.
   *
   * @param subject {@code <topic>-value} for the values of a topic
   * @return the id that travels in front of every record, at least 1
   * @throws SchemaRegistryException when the registry refuses the schema or cannot be asked
   */
  int register(String subject, Schema schema);

  /**
   * The schema a record was written with.
   *
   * @param id as found in front of the record; any value, also one that no registry ever gave
   * @throws SchemaRegistryException when the registry has no such id or cannot be asked
   */
  Schema schemaById(int id);

  /**
   * Opens the registry behind a URL.
   *
   * @param url {@code mock://scope}: a registry in the memory of this process, shared by everybody
   *     who names the same scope
   * @throws SchemaRegistryException when the URL is not of that form
   */
  static SchemaRegistryClient create(String url) {
    return InMemorySchemaRegistry.of(url);
  }
}
