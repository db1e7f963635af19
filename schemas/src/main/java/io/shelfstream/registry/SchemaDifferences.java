package io.shelfstream.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaCompatibility.Incompatibility;

/** Why two versions of a schema cannot read each other, with the names of the fields. */
final class SchemaDifferences {

  private static final ObjectMapper JSON = new ObjectMapper();

  private SchemaDifferences() {}

  /** One line a difference; empty when both versions read each other. */
  static List<String> between(Schema newer, Schema older) {
    List<String> lines = new ArrayList<>();
    for (Incompatibility found : found(newer, older)) {
      lines.add("the new schema cannot read earlier records: " + explain(found, newer));
    }
    for (Incompatibility found : found(older, newer)) {
      lines.add("earlier readers cannot read new records: " + explain(found, older));
    }
    return lines;
  }

  private static List<Incompatibility> found(Schema reader, Schema writer) {
    return SchemaCompatibility.checkReaderWriterCompatibility(reader, writer)
        .getResult()
        .getIncompatibilities();
  }

  private static String explain(Incompatibility found, Schema reader) {
    String field = fieldAt(reader, found.getLocation());
    return switch (found.getType()) {
      case READER_FIELD_MISSING_DEFAULT_VALUE ->
          "field " + field + " has no default and is missing on the other side; give it one";
      case TYPE_MISMATCH -> "field " + field + " has another type, " + found.getMessage();
      case MISSING_ENUM_SYMBOLS ->
          "field " + field + " lacks the enum symbols " + found.getMessage() + " and a default";
      case MISSING_UNION_BRANCH -> "field " + field + " has other types, " + found.getMessage();
      default -> found.getType() + " at field " + field + ", " + found.getMessage();
    };
  }

  /**
   * The path of names to a place in a schema.
   *
   * @param location as Avro gives it, such as {@code /fields/3/type/items}
   */
  static String fieldAt(Schema schema, String location) {
    List<String> names = new ArrayList<>();
    JsonNode node = tree(schema);
    for (String step : location.substring(1).split("/")) {
      node = step.matches("\\d+") ? node.path(Integer.parseInt(step)) : node.path(step);
      if (node.isObject() && node.has("name") && node.has("type") && !node.has("fields")) {
        boolean isField = !node.path("type").asText().matches("enum|fixed");
        if (isField) {
          names.add(node.path("name").asText());
        }
      }
    }
    return names.isEmpty() ? schema.getFullName() : String.join(".", names);
  }

  private static JsonNode tree(Schema schema) {
    try {
      return JSON.readTree(schema.toString());
    } catch (JsonProcessingException e) {
      return MissingNode.getInstance();
    }
  }
}
