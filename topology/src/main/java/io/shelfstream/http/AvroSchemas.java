package io.shelfstream.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;

/**
 * JSON schemas of records as {@link io.shelfstream.registry.EventJson} writes them, from their Avro
 * schemas.
 */
final class AvroSchemas {
  private final ObjectNode schemas;

  /**
   * @param schemas where the schemas of records and enums are added, by name
   */
  AvroSchemas(ObjectNode schemas) {
    this.schemas = schemas;
  }

  /** The schema of a value; records and enums are referred to. */
  ObjectNode of(Schema schema) {
    ObjectNode json = Answers.JSON.createObjectNode();
    switch (schema.getType()) {
      case RECORD -> {
        addRecord(schema);
        json.put("$ref", "#/components/schemas/" + schema.getName());
      }
      case ENUM -> {
        addEnum(schema);
        json.put("$ref", "#/components/schemas/" + schema.getName());
      }
      case ARRAY -> json.put("type", "array").set("items", of(schema.getElementType()));
      case MAP -> json.put("type", "object").set("additionalProperties", of(schema.getValueType()));
      case UNION -> {
        return of(withoutNull(schema));
      }
      case INT -> json.put("type", "integer").put("format", "int32");
      case LONG -> {
        if (schema.getLogicalType() instanceof LogicalTypes.TimestampMillis) {
          json.put("type", "string").put("format", "date-time");
        } else {
          json.put("type", "integer").put("format", "int64");
        }
      }
      case FLOAT, DOUBLE -> json.put("type", "number");
      case BOOLEAN -> json.put("type", "boolean");
      case BYTES, FIXED -> json.put("type", "string").put("format", "byte");
      default -> json.put("type", "string");
    }
    return json;
  }

  private static Schema withoutNull(Schema union) {
    List<Schema> types =
        union.getTypes().stream().filter(type -> type.getType() != Schema.Type.NULL).toList();
    if (types.size() != 1) {
      throw new IllegalArgumentException("JSON does not tell the types of " + union + " apart");
    }
    return types.get(0);
  }

  private void addRecord(Schema record) {
    if (schemas.has(record.getName())) {
      return;
    }
    ObjectNode json = schemas.putObject(record.getName()).put("type", "object");
    describe(json, record.getDoc());
    ObjectNode properties = Answers.JSON.createObjectNode();
    ArrayNode required = Answers.JSON.createArrayNode();
    for (Schema.Field field : record.getFields()) {
      ObjectNode value = of(field.schema());
      describe(value, field.doc());
      properties.set(field.name(), value);
      if (field.schema().getType() != Schema.Type.UNION) {
        required.add(field.name());
      }
    }
    json.set("properties", properties);
    if (!required.isEmpty()) { // an empty list is not allowed
      json.set("required", required);
    }
  }

  /** A description beside a reference is not allowed, and would be ignored. */
  private static void describe(ObjectNode json, String text) {
    if (text != null && !json.has("$ref")) {
      json.put("description", text);
    }
  }

  private void addEnum(Schema type) {
    ArrayNode symbols = schemas.putObject(type.getName()).put("type", "string").putArray("enum");
    type.getEnumSymbols().forEach(symbols::add);
  }
}
