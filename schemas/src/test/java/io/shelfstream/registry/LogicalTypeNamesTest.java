package io.shelfstream.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import org.apache.avro.Schema;
import org.apache.kafka.common.errors.SerializationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LogicalTypeNamesTest {
  @ParameterizedTest
  @ValueSource(
      strings = {"timestamp-micros", "timestamp-nanos", "local-timestamp-millis", "time-micros"})
  void refusesATimeInAnotherUnitByName(String unit) {
    Schema written =
        new Schema.Parser()
            .parse(ImageReference.getClassSchema().toString().replace("timestamp-millis", unit));
    // The registry in memory numbers schemas without regard to logical types.
    SchemaRegistryClient registry = new AvroSerdeTest.FixedIdRegistry(7, written);
    byte[] frame =
        AvroSerde.generic(written, registry)
            .serializer()
            .serialize(
                "frames",
                new org.apache.avro.generic.GenericRecordBuilder(generic(written)).build());

    assertThatThrownBy(
            () ->
                AvroSerde.of(ImageReference.class, registry)
                    .deserializer()
                    .deserialize("frames", frame))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("capturedAt")
        .hasMessageContaining(unit);
  }

  private static org.apache.avro.generic.GenericData.Record generic(Schema schema) {
    var record = new org.apache.avro.generic.GenericData.Record(schema);
    for (Schema.Field field : schema.getFields()) {
      record.put(
          field.pos(),
          field.schema().getType() == Schema.Type.STRING
              ? "x"
              : field.schema().getType() == Schema.Type.LONG
                  ? 1L
                  : org.apache.avro.generic.GenericData.get().getDefaultValue(field));
    }
    return record;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'type':'int','logicalType':'date'}",
        "{'type':'long','logicalType':'timestamp-millis'}",
        "{'type':'bytes','logicalType':'decimal','precision':9,'scale':2}",
        "{'type':'int','logicalType':'time-millis'}",
        "{'type':'long','logicalType':'acme-ticks'}"
      })
  void refusesOneWhereTheFieldHasNone(String type) {
    String fields = "{'type':'record','name':'R','fields':[{'name':'f','type':%s}]}";
    for (String read : new String[] {"['null','long']", "'string'", "'double'", "'bytes'"}) {
      Schema written = schema(fields.formatted("['null'," + type + "]"));

      assertThat(LogicalTypeNames.difference(written, schema(fields.formatted(read))))
          .as(read)
          .hasValueSatisfying(words -> assertThat(words).contains("R.f is written as"));
    }
  }

  @Test
  void takesTextAndPlainNumbers() {
    Schema text = schema("{'type':'string','logicalType':'uuid'}");
    Schema number = schema("'long'");
    Schema time = schema("{'type':'long','logicalType':'timestamp-millis'}");

    assertThat(LogicalTypeNames.difference(text, schema("'string'"))).isEmpty();
    assertThat(LogicalTypeNames.difference(number, time)).isEmpty();
    assertThat(LogicalTypeNames.difference(time, time)).isEmpty();
    for (Schema own :
        new Schema[] {
          ImageReference.getClassSchema(),
          GalleryUpdate.getClassSchema(),
          GalleryVector.getClassSchema(),
          GalleryStatus.getClassSchema(),
          RecognitionEvent.getClassSchema()
        }) {
      assertThat(LogicalTypeNames.difference(own, own)).as(own.getName()).isEmpty();
    }
  }

  private static Schema schema(String json) {
    return new Schema.Parser().parse(json.replace('\'', '"'));
  }
}
