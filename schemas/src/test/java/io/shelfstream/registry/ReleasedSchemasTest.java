package io.shelfstream.registry;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificRecord;
import org.junit.jupiter.api.Test;

/**
 * FULL_TRANSITIVE: the schemas of this version and of every released one read each other. A release
 * freezes them with {@code mvn -pl schemas test -Dtest=ReleasedSchemasTest
 * -Dshelfstream.release=VERSION}; a folder that is there is never changed.
 */
class ReleasedSchemasTest {
  private static final Path RELEASED = Path.of("src/test/resources/released");
  private static final Path PROTO =
      Path.of("src/main/proto/shelfstream/v1/recognition_event.proto");
  private static final Pattern TYPE = Pattern.compile("^(?:message|enum) (\\w+)");
  private static final Pattern FIELD = Pattern.compile("^ +[^/]*?(\\w+) = (\\d+);");

  private final Map<String, Schema> current =
      Samples.full().stream()
          .map(SpecificRecord::getSchema)
          .map(PortableSchemas::withoutJavaStrings)
          .collect(Collectors.toMap(Schema::getName, schema -> schema));

  @Test
  void everyReleasedVersionAndThisOneReadEachOther() throws IOException {
    freeze(System.getProperty("shelfstream.release"));
    List<String> conflicts = new ArrayList<>();

    Map<Path, Schema> released = released();
    released.forEach(
        (file, schema) -> {
          Schema now = current.get(schema.getName());
          assertThat(now).as("%s is no longer there", file).isNotNull();
          SchemaDifferences.between(now, schema)
              .forEach(line -> conflicts.add(RELEASED.relativize(file) + ": " + line));
        });

    assertThat(conflicts).isEmpty();
    assertThat(released.values().stream().map(Schema::getName)).containsAll(current.keySet());
  }

  @Test
  void aFieldWithoutADefaultWouldBeFound() {
    Schema event = current.get("RecognitionEvent");
    List<Schema.Field> fields = new ArrayList<>();
    event.getFields().forEach(field -> fields.add(new Schema.Field(field, field.schema())));
    fields.add(new Schema.Field("later", Schema.create(Schema.Type.INT), "no default"));
    Schema later = Schema.createRecord(event.getName(), null, event.getNamespace(), false, fields);

    assertThat(SchemaDifferences.between(later, event))
        .singleElement()
        .asString()
        .contains("field later has no default");
  }

  @Test
  void aTypeThatChangedDeepInsideIsNamedByItsPath() {
    Schema event = current.get("RecognitionEvent");
    Schema changed =
        new Schema.Parser()
            .parse(
                event
                    .toString()
                    .replace(
                        "\"name\":\"x1\",\"type\":\"int\"", "\"name\":\"x1\",\"type\":\"string\""));

    assertThat(SchemaDifferences.between(changed, event))
        .anySatisfy(line -> assertThat(line).contains("field objects.bbox.x1 has another type"));
  }

  @Test
  void everyReleasedProtoHasTheNumbersOfThisOne() throws IOException {
    Map<String, String> now = numbers(Files.readString(PROTO));
    assertThat(now)
        .containsEntry("RecognitionEvent.event_id", "1")
        .containsEntry("MatchStatus.MATCH_STATUS_UNKNOWN", "3");
    try (Stream<Path> files = Files.walk(RELEASED)) {
      for (Path file : files.filter(f -> f.endsWith(PROTO.getFileName())).toList()) {
        Map<String, String> before = numbers(Files.readString(file));
        now.forEach((name, number) -> before.computeIfPresent(name, (n, old) -> number));
        assertThat(numbers(Files.readString(file))).as("%s", file).isEqualTo(before);
      }
    }
  }

  /** {@code Type.field} to number. */
  private static Map<String, String> numbers(String proto) {
    Map<String, String> numbers = new TreeMap<>();
    String type = "";
    for (String line : proto.lines().toList()) {
      Matcher begin = TYPE.matcher(line);
      Matcher field = FIELD.matcher(line);
      if (begin.find()) {
        type = begin.group(1);
      } else if (field.find()) {
        numbers.put(type + "." + field.group(1), field.group(2));
      }
    }
    return numbers;
  }

  private static Map<Path, Schema> released() throws IOException {
    Map<Path, Schema> released = new TreeMap<>();
    try (Stream<Path> files = Files.walk(RELEASED)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".avsc")).toList()) {
        released.put(file, new Schema.Parser().parse(Files.readString(file)));
      }
    }
    return released;
  }

  private void freeze(String version) throws IOException {
    if (version == null) {
      return;
    }
    Path folder = Files.createDirectory(RELEASED.resolve(version));
    for (Schema schema : current.values()) {
      Files.writeString(folder.resolve(schema.getName() + ".avsc"), schema.toString(true) + "\n");
    }
    Files.copy(PROTO, folder.resolve(PROTO.getFileName()));
  }
}
