package io.shelfstream.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.Descriptors.FieldDescriptor;
import io.shelfstream.api.v1.RecognitionEvent;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.events.Timings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.junit.jupiter.api.Test;

/**
 * recognition_event.proto is written from the Avro schema. After a change: {@code mvn -pl schemas
 * test -Dtest=ProtoFileTest -Dshelfstream.proto=write}.
 */
class ProtoFileTest {
  private static final Path FILE = Path.of("src/main/proto/shelfstream/v1/recognition_event.proto");
  private static final FileDescriptorProto NONE = FileDescriptorProto.getDefaultInstance();
  private static final FileDescriptorProto NOW =
      RecognitionEvent.getDescriptor().getFile().toProto();

  @Test
  void saysWhatTheSchemaSays() throws IOException {
    String file = ProtoFile.of(io.shelfstream.events.RecognitionEvent.getClassSchema(), NOW);
    if ("write".equals(System.getProperty("shelfstream.proto"))) {
      Files.writeString(FILE, file);
    }

    assertThat(Files.readString(FILE))
        .as("mvn -pl schemas test -Dtest=ProtoFileTest -Dshelfstream.proto=write")
        .isEqualTo(file);
  }

  /** So the JSON of Protobuf has the names that the event has over HTTP. */
  @Test
  void namesInJsonAreThoseOfAvro() {
    assertThat(
            RecognitionEvent.getDescriptor().getFields().stream().map(FieldDescriptor::getJsonName))
        .containsExactlyElementsOf(
            io.shelfstream.events.RecognitionEvent.getClassSchema().getFields().stream()
                .map(Schema.Field::name)
                .toList());
  }

  @Test
  void aFieldThatIsAddedAnywhereGetsTheNextNumber() {
    List<Schema.Field> fields = fields(Timings.getClassSchema());
    fields.add(2, new Schema.Field("waitTime", Schema.create(Schema.Type.DOUBLE), "New.", 0.0));

    String file = ProtoFile.of(record("Timings", fields), NOW);

    assertThat(file)
        .contains("  float fetch = 2;\n  // New.\n  double wait_time = 8;\n  // Decoding it.\n")
        .contains("  float total = 7;\n");
  }

  @Test
  void aFieldThatIsRemovedLeavesItsNumberAndItsNameReserved() {
    List<Schema.Field> fields = fields(Timings.getClassSchema());
    fields.removeIf(f -> f.name().equals("detect") || f.name().equals("total"));
    Schema fewer = record("Timings", fields);

    String file = ProtoFile.of(fewer, NOW);

    assertThat(file).contains("  reserved 4, 7;\n  reserved \"detect\", \"total\";\n");
    assertThat(file).contains("  float extract = 5;\n  // Vector index.\n  float search = 6;\n}");
  }

  @Test
  void whatIsReservedStaysReserved() {
    DescriptorProto.Builder old =
        DescriptorProto.newBuilder().setName("Timings").addReservedName("gone");
    old.addReservedRangeBuilder().setStart(9).setEnd(10); // the end is exclusive
    FileDescriptorProto before = FileDescriptorProto.newBuilder().addMessageType(old).build();

    assertThat(ProtoFile.of(Timings.getClassSchema(), before))
        .contains("  reserved 9;\n  reserved \"gone\";\n")
        .contains("float queue = 10;");
    List<Schema.Field> again = fields(Timings.getClassSchema());
    again.add(new Schema.Field("gone", Schema.create(Schema.Type.INT), "Back.", 0));
    assertThatThrownBy(() -> ProtoFile.of(record("Timings", again), before))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Timings had gone before");
  }

  @Test
  void aSymbolThatIsAddedGetsTheNextNumber() {
    Schema kind =
        Schema.createEnum(
            "EventKind",
            "Why.",
            "io.shelfstream.events",
            List.of("DRAFT", "LIVE", "CORRECTION"),
            "LIVE");

    String file =
        ProtoFile.of(record("Event", List.of(new Schema.Field("kind", kind, "Kind."))), NOW);

    assertThat(file)
        .contains("read as EVENT_KIND_LIVE.")
        .contains(
            """
              reserved 2;
              reserved "EVENT_KIND_BACKFILL";
              // Not sent.
              EVENT_KIND_UNSPECIFIED = 0;
              EVENT_KIND_DRAFT = 4;
              EVENT_KIND_LIVE = 1;
              EVENT_KIND_CORRECTION = 3;
            """);
  }

  @Test
  void knowsBytesAndEnumsWithASymbolForNothing() {
    assertThat(ProtoFile.of(GalleryVector.getClassSchema(), NONE))
        .contains("  bytes embedding = 5;\n")
        .contains("  map<string, string> attributes = 9;\n");
    assertThat(ProtoFile.of(GalleryStatus.getClassSchema(), NONE))
        .contains("  GALLERY_OUTCOME_UNSPECIFIED = 0;\n  GALLERY_OUTCOME_APPLIED = 1;\n")
        .containsOnlyOnce("UNSPECIFIED =")
        .contains("  repeated string warnings = 9;\n")
        .contains("  optional google.protobuf.Timestamp searchable_at = 10;\n");
  }

  @Test
  void refusesWhatProtobufCannotExpress() {
    assertThatThrownBy(() -> ProtoFile.of(GalleryUpdate.getClassSchema(), NONE))
        .as("a list that may be null")
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Field embedding");
    Schema micros = LogicalTypes.timestampMicros().addToSchema(Schema.create(Schema.Type.LONG));
    assertThatThrownBy(
            () -> ProtoFile.of(record("R", List.of(new Schema.Field("at", micros, "At."))), NONE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Field at");
  }

  private static List<Schema.Field> fields(Schema record) {
    List<Schema.Field> fields = new ArrayList<>();
    record.getFields().forEach(f -> fields.add(new Schema.Field(f, f.schema())));
    return fields;
  }

  private static Schema record(String name, List<Schema.Field> fields) {
    return Schema.createRecord(name, "A record.", "io.shelfstream.events", false, fields);
  }
}
