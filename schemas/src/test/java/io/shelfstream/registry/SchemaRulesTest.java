package io.shelfstream.registry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificRecord;
import org.junit.jupiter.api.Test;

/** The rules that keep every published schema readable by older and newer programs alike. */
class SchemaRulesTest {

  private final Collection<Schema> named = namedSchemas();

  @Test
  void everyTypeIsInTheNamespaceAndDocumented() {
    assertThat(named).hasSize(15);
    assertThat(named)
        .allSatisfy(schema -> assertThat(schema.getNamespace()).isEqualTo("io.shelfstream.events"))
        .allSatisfy(schema -> assertThat(schema.getDoc()).as(schema.getName()).isNotBlank());
  }

  @Test
  void everyFieldIsDocumented() {
    assertThat(fields()).allSatisfy((name, field) -> assertThat(field.doc()).isNotBlank());
  }

  @Test
  void everyEnumHasADefaultSoThatSymbolsCanBeAdded() {
    assertThat(named.stream().filter(schema -> schema.getType() == Schema.Type.ENUM))
        .hasSize(4)
        .allSatisfy(schema -> assertThat(schema.getEnumDefault()).as(schema.getName()).isNotNull());
  }

  @Test
  void everyOptionalListedOrEnumeratedFieldHasADefault() {
    assertThat(fields())
        .allSatisfy(
            (name, field) -> {
              if (needsDefault(field.schema())) {
                assertThat(field.hasDefaultValue()).as(name).isTrue();
              }
            });
  }

  @Test
  void everyOptionalFieldDefaultsToNull() {
    assertThat(fields())
        .allSatisfy(
            (name, field) -> {
              if (field.schema().isUnion()) {
                assertThat(field.schema().getTypes().get(0).getType()).isEqualTo(Schema.Type.NULL);
                assertThat(field.schema().getTypes()).as(name).hasSize(2);
              }
            });
  }

  /** JavaScript reads whole numbers exactly up to 2^53 only. */
  @Test
  void everyLongIsATimestampOrCountsSomethingThatStaysBelowTwoToThe53() {
    List<String> counters =
        List.of(
            "GalleryStatus.sourceOffset",
            "GalleryVector.sourceOffset",
            "ImageReference.minGalleryVersion",
            "Versions.galleryVersion",
            "Versions.galleryVersions");

    fields()
        .forEach(
            (name, field) -> {
              boolean isRecord = field.schema().getType() == Schema.Type.RECORD;
              boolean isLong =
                  !isRecord
                      && Stream.concat(Stream.of(field.schema()), parts(field.schema()))
                          .anyMatch(
                              s -> s.getType() == Schema.Type.LONG && s.getLogicalType() == null);
              if (isLong) {
                assertThat(counters)
                    .as("a hash or fingerprint is a string or bytes; a counter may be listed here")
                    .contains(name);
              }
            });
  }

  private static boolean needsDefault(Schema schema) {
    return switch (schema.getType()) {
      case UNION, ARRAY, MAP, ENUM, BOOLEAN -> true;
      default -> false;
    };
  }

  private Map<String, Schema.Field> fields() {
    Map<String, Schema.Field> fields = new LinkedHashMap<>();
    named.stream()
        .filter(schema -> schema.getType() == Schema.Type.RECORD)
        .forEach(
            schema ->
                schema
                    .getFields()
                    .forEach(field -> fields.put(schema.getName() + "." + field.name(), field)));
    assertThat(fields).hasSizeGreaterThan(80);
    return fields;
  }

  private static Collection<Schema> namedSchemas() {
    Map<String, Schema> found = new LinkedHashMap<>();
    List<Schema> todo = new ArrayList<>();
    Samples.full().stream().map(SpecificRecord::getSchema).forEach(todo::add);
    while (!todo.isEmpty()) {
      Schema schema = todo.remove(0);
      boolean isNamed =
          schema.getType() == Schema.Type.RECORD || schema.getType() == Schema.Type.ENUM;
      if (!isNamed || found.put(schema.getFullName(), schema) == null) {
        parts(schema).forEach(todo::add);
      }
    }
    return found.values();
  }

  private static Stream<Schema> parts(Schema schema) {
    return switch (schema.getType()) {
      case RECORD -> schema.getFields().stream().map(Schema.Field::schema);
      case ARRAY -> Stream.of(schema.getElementType());
      case MAP -> Stream.of(schema.getValueType());
      case UNION -> schema.getTypes().stream();
      default -> Stream.empty();
    };
  }
}
