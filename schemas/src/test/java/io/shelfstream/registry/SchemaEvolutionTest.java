package io.shelfstream.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.events.GalleryOutcome;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.GalleryUpdate;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.errors.SerializationException;
import org.junit.jupiter.api.Test;

/** What happens when writer and reader are of different versions. */
class SchemaEvolutionTest {

  private static final String OLD_UPDATE =
      """
      {"type":"record","name":"GalleryUpdate","namespace":"io.shelfstream.events","fields":[
        {"name":"galleryImageId","type":"string"},
        {"name":"productId","type":"string"},
        {"name":"label","type":"string"}]}
      """;

  private final SchemaRegistryClient registry =
      SchemaRegistryClient.create("mock://evolution-test");

  @Test
  void anOlderWritersMissingFieldsTakeTheirDefaults() throws IOException {
    Schema older = new Schema.Parser().parse(OLD_UPDATE);
    GenericRecord written = update(older).build();

    GalleryUpdate read = read(GalleryUpdate.class, older, written);

    assertThat(read)
        .isEqualTo(
            GalleryUpdate.newBuilder()
                .setGalleryImageId("img")
                .setProductId("sku")
                .setLabel("Tea")
                .build());
    assertThat(read.getAttributes()).isEqualTo(Map.of());
  }

  @Test
  void aNewerWritersAddedFieldIsSkipped() throws IOException {
    Schema newer =
        withField(
            new Schema.Parser().parse(OLD_UPDATE),
            new Schema.Field("colour", SchemaBuilder.array().items().stringType(), "", null));
    GenericRecord written =
        update(newer)
            .set(
                "colour",
                new GenericData.Array<>(newer.getField("colour").schema(), List.of("red")))
            .build();

    GalleryUpdate read = read(GalleryUpdate.class, newer, written);

    assertThat(read.getLabel()).isEqualTo("Tea");
  }

  @Test
  void aNewerWritersAddedEnumSymbolBecomesTheEnumsDefault() throws IOException {
    Schema newer =
        new Schema.Parser()
            .parse(
                GalleryStatus.getClassSchema()
                    .toString()
                    .replace("\"SEARCHABLE\"]", "\"SEARCHABLE\",\"POSTPONED\"]"));
    GenericRecord written =
        new GenericRecordBuilder(newer)
            .set("galleryImageId", "img")
            .set(
                "outcome",
                new GenericData.EnumSymbol(newer.getField("outcome").schema(), "POSTPONED"))
            .set("sourceOffset", 7L)
            .set("publishedAt", 0L)
            .set("embeddedAt", 0L)
            .build();

    GalleryStatus read = read(GalleryStatus.class, newer, written);

    assertThat(read.getOutcome()).isEqualTo(GalleryOutcome.UNSPECIFIED);
  }

  @Test
  void aWriterWithoutARequiredFieldIsRefused() {
    Schema incompatible =
        SchemaBuilder.record("GalleryUpdate")
            .namespace("io.shelfstream.events")
            .fields()
            .requiredString("galleryImageId")
            .endRecord();
    GenericRecord written =
        new GenericRecordBuilder(incompatible).set("galleryImageId", "img").build();

    assertThatThrownBy(() -> read(GalleryUpdate.class, incompatible, written))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("missing required field");
  }

  private static GenericRecordBuilder update(Schema schema) {
    return new GenericRecordBuilder(schema)
        .set("galleryImageId", "img")
        .set("productId", "sku")
        .set("label", "Tea");
  }

  private static Schema withField(Schema schema, Schema.Field added) {
    List<Schema.Field> fields = new ArrayList<>();
    schema.getFields().forEach(field -> fields.add(new Schema.Field(field, field.schema())));
    fields.add(1, added);
    return Schema.createRecord(schema.getName(), null, schema.getNamespace(), false, fields);
  }

  private <T extends SpecificRecord> T read(Class<T> type, Schema writer, GenericRecord written)
      throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(WireFormat.prefix(registry.register("topic-value", writer)));
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
    new GenericDatumWriter<GenericRecord>(writer).write(written, encoder);
    encoder.flush();
    return AvroSerde.of(type, registry).deserializer().deserialize("topic", out.toByteArray());
  }
}
