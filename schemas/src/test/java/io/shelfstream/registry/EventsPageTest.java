package io.shelfstream.registry;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.avro.LogicalType;
import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificRecord;
import org.junit.jupiter.api.Test;

/**
 * docs/events.md is made from the schemas' docs and from the examples beside it. After a change:
 * {@code mvn -pl schemas test -Dtest=EventsPageTest -Dshelfstream.docs=write}.
 */
class EventsPageTest {
  private static final Path DOCS = Path.of("../docs");
  private static final Path PAGE = DOCS.resolve("events.md");
  private static final Path FRAME = Path.of("src/test/resources/events-page.md");

  @Test
  void saysWhatTheSchemasSay() throws IOException {
    String page = page();
    if ("write".equals(System.getProperty("shelfstream.docs"))) {
      Files.writeString(PAGE, page);
    }

    assertThat(PAGE)
        .as("mvn -pl schemas test -Dtest=EventsPageTest -Dshelfstream.docs=write")
        .hasContent(page);
  }

  private static String page() throws IOException {
    String page = Files.readString(FRAME);
    for (String name :
        List.of(
            "read_recognitions.py",
            "publish_frame.py",
            "read_recognitions.mjs",
            "publish_frame.mjs")) {
      page =
          page.replace(
              "{{" + name + "}}", Files.readString(DOCS.resolve("examples/" + name)).strip());
    }
    Map<String, Schema> types = new LinkedHashMap<>();
    Samples.full().stream()
        .map(SpecificRecord::getSchema)
        .map(PortableSchemas::withoutJavaStrings)
        .forEach(schema -> collect(schema, types));
    return page.replace(
        "{{types}}",
        types.values().stream()
            .map(EventsPageTest::section)
            .collect(Collectors.joining("\n"))
            .strip());
  }

  /** Every named type once, the outer ones before what they hold. */
  private static void collect(Schema schema, Map<String, Schema> types) {
    switch (schema.getType()) {
      case RECORD -> {
        if (types.putIfAbsent(schema.getName(), schema) == null) {
          schema.getFields().forEach(field -> collect(field.schema(), types));
        }
      }
      case ENUM -> types.putIfAbsent(schema.getName(), schema);
      case ARRAY -> collect(schema.getElementType(), types);
      case MAP -> collect(schema.getValueType(), types);
      case UNION -> schema.getTypes().forEach(branch -> collect(branch, types));
      default -> {}
    }
  }

  private static String section(Schema schema) {
    StringBuilder text =
        new StringBuilder("### " + schema.getName() + "\n\n" + schema.getDoc() + "\n\n");
    if (schema.getType() == Schema.Type.ENUM) {
      return text.append("One of ")
          .append(
              schema.getEnumSymbols().stream()
                  .map(s -> "`" + s + "`")
                  .collect(Collectors.joining(", ")))
          .append("; a symbol that a reader does not know reads as `")
          .append(schema.getEnumDefault())
          .append("`.\n")
          .toString();
    }
    text.append("| field | type | without a value | meaning |\n|---|---|---|---|\n");
    for (Schema.Field field : schema.getFields()) {
      text.append(
          "| `%s` | %s | %s | %s |\n"
              .formatted(
                  field.name(),
                  type(field.schema()),
                  fallback(field),
                  field.doc().replace("|", "\\|")));
    }
    return text.toString();
  }

  private static String type(Schema schema) {
    LogicalType logical = schema.getLogicalType();
    return switch (schema.getType()) {
      case UNION -> {
        List<String> branches = new ArrayList<>();
        schema.getTypes().stream()
            .filter(branch -> branch.getType() != Schema.Type.NULL)
            .forEach(branch -> branches.add(type(branch)));
        yield String.join(" or ", branches) + " or null";
      }
      case ARRAY -> "list of " + type(schema.getElementType());
      case MAP -> "map of " + type(schema.getValueType());
      case RECORD, ENUM ->
          "[%s](#%s)"
              .formatted(schema.getName(), schema.getName().toLowerCase(java.util.Locale.ROOT));
      default ->
          schema.getType().getName() + (logical == null ? "" : " (" + logical.getName() + ")");
    };
  }

  private static String fallback(Schema.Field field) {
    if (!field.hasDefaultValue()) {
      return "required";
    }
    return field.defaultVal() == org.apache.avro.JsonProperties.NULL_VALUE
        ? "null"
        : "`" + field.defaultVal() + "`";
  }
}
