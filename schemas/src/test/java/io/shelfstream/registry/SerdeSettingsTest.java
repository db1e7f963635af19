package io.shelfstream.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.events.ImageReference;
import io.shelfstream.registry.SchemaRegistryException.Kind;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Where the schema and its id come from, both ways, against a registry over HTTP. */
class SerdeSettingsTest {
  private static final Schema NEWER =
      SchemaBuilder.record("Photo")
          .fields()
          .name("added")
          .type()
          .stringType()
          .stringDefault("new")
          .requiredString("uri")
          .endRecord();
  private static final Schema OLDER =
      SchemaBuilder.record("Photo").fields().requiredString("uri").endRecord();

  private FakeRegistry server;

  @BeforeEach
  void start() throws IOException {
    server = new FakeRegistry();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void readsTheSchemaIdFromTheHeaderOfNewerClients() throws Exception {
    AvroSerde<ImageReference> serde = AvroSerde.of(ImageReference.class, registry());
    byte[] prefixed = serde.serializer().serialize("t", Samples.fullFrame());
    byte[] body = Arrays.copyOfRange(prefixed, 5, prefixed.length);
    UUID guid = FakeRegistry.guid(1);
    byte[] byGuid =
        ByteBuffer.allocate(17)
            .put((byte) 1)
            .putLong(guid.getMostSignificantBits())
            .putLong(guid.getLeastSignificantBits())
            .array();

    for (byte[] id : new byte[][] {byGuid, WireFormat.prefix(1)}) {
      Headers headers = new RecordHeaders().add("__value_schema_id", id);
      assertThat(serde.deserializer().deserialize("t", headers, body))
          .isEqualTo(Samples.fullFrame());
    }
  }

  @Test
  void removesTheSourcesSchemaHeaderWhenItWrites() {
    Headers headers =
        new RecordHeaders().add("__value_schema_id", new byte[17]).add("mine", new byte[1]);

    AvroSerde.of(ImageReference.class, registry())
        .serializer()
        .serialize("t", headers, Samples.fullFrame());

    assertThat(headers).extracting("key").containsExactly("mine");
  }

  @Test
  void readsAndWritesGenericRecordsOfAnySchema() {
    GenericRecord photo = new GenericRecordBuilder(OLDER).set("uri", "file:/a").build();
    AvroSerde<GenericRecord> serde = AvroSerde.generic(registry());

    byte[] bytes = serde.serializer().serialize("t", photo);

    assertThat(serde.deserializer().deserialize("t", bytes).toString())
        .isEqualTo("{\"uri\": \"file:/a\"}");
    assertThat(
            AvroSerde.generic(NEWER, registry()).deserializer().deserialize("t", bytes).toString())
        .isEqualTo("{\"added\": \"new\", \"uri\": \"file:/a\"}");
  }

  @Test
  void genericAndGeneratedClassesWriteTheSameBytes() {
    AvroSerde<ImageReference> generated = AvroSerde.of(ImageReference.class, registry());
    ImageReference frame =
        ImageReference.newBuilder(Samples.fullFrame())
            .setAttributes(Map.of("one", "as maps have no order"))
            .build();
    byte[] bytes = generated.serializer().serialize("t", frame);
    AvroSerde<GenericRecord> generic = AvroSerde.generic(registry());

    GenericRecord read = generic.deserializer().deserialize("t", bytes);

    assertThat(generic.serializer().serialize("t", read)).isEqualTo(bytes);
  }

  @Test
  void refusesAValueThatIsNoRecord() {
    server.put("t-value", "\"string\"", null);

    assertThatThrownBy(
            () ->
                AvroSerde.generic(registry())
                    .deserializer()
                    .deserialize("t", new byte[] {0, 0, 0, 0, 1, 0}))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("STRING");
  }

  @Test
  void writesWithTheLatestVersionByTheNamesOfTheFields() throws Exception {
    server.put("t-value", OLDER.toString(), null);
    server.put("t-value", NEWER.toString(), null);

    byte[] bytes = written(Map.of("use.latest.version", "true"));

    assertThat(WireFormat.schemaId(bytes)).isEqualTo(2);
    Object read =
        new GenericDatumReader<>(NEWER)
            .read(null, DecoderFactory.get().binaryDecoder(bytes, 5, bytes.length - 5, null));
    assertThat(read.toString()).isEqualTo("{\"added\": \"new\", \"uri\": \"file:/a\"}");
  }

  @Test
  void writesWithTheSchemaOfAGivenId() throws Exception {
    server.put("elsewhere", NEWER.toString(), null);

    assertThat(WireFormat.schemaId(written(Map.of("use.schema.id", "1")))).isEqualTo(1);
  }

  @Test
  void refusesALatestVersionThatCannotCarryTheRecord() {
    Schema other = SchemaBuilder.record("Photo").fields().requiredInt("uri").endRecord();
    server.put("t-value", other.toString(), null);

    assertThatThrownBy(() -> written(Map.of("use.latest.version", "true")))
        .isInstanceOf(SchemaRegistryException.class)
        .hasMessageContaining("latest version of t-value")
        .hasMessageContaining("uri")
        .hasMessageContaining("latest.compatibility.strict=false");
  }

  @Test
  void keepsTheLatestVersionWhileTheRegistryIsAway() {
    server.put("t-value", OLDER.toString(), null);
    AvroSerializer<GenericRecord> serializer =
        serializer(Map.of("use.latest.version", "true", "latest.cache.ttl.sec", "0"));
    byte[] before = serializer.serialize("t", photo());

    server.close();

    assertThat(serializer.serialize("t", photo())).isEqualTo(before);
  }

  @Test
  void namesSubjectsAsToldTo() throws Exception {
    written(Map.of("value.subject.name.strategy", "RecordNameStrategy"));
    written(
        Map.of(
            "value.subject.name.strategy",
            "io.confluent.kafka.serializers.subject.TopicRecordNameStrategy"));

    assertThat(server.requests)
        .containsExactly("POST /subjects/Photo/versions", "POST /subjects/t-Photo/versions");
  }

  @Test
  void registersNothingWhenToldNotTo() {
    assertThatThrownBy(() -> written(Map.of("auto.register.schemas", "false")))
        .isInstanceOf(SchemaRegistryException.class)
        .hasMessageContaining("t-value");

    assertThat(server.schemas).isEmpty();
  }

  @Test
  void tellsARegistryThatIsAwayFromABadRecord() {
    byte[] bytes = new byte[] {0, 0, 0, 0, 9, 0};
    server.close();

    assertThatThrownBy(() -> AvroSerde.generic(registry()).deserializer().deserialize("t", bytes))
        .isInstanceOfSatisfying(
            SchemaRegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE));
  }

  @Test
  void readsOnWithoutTheRegistryOnceASchemaIsKnown() {
    AvroSerde<ImageReference> serde = AvroSerde.of(ImageReference.class, registry());
    byte[] bytes = serde.serializer().serialize("t", Samples.fullFrame());
    serde.deserializer().deserialize("t", bytes);

    server.close();

    assertThat(serde.serializer().serialize("t", Samples.fullFrame())).isEqualTo(bytes);
    assertThat(serde.deserializer().deserialize("t", bytes)).isEqualTo(Samples.fullFrame());
  }

  private static GenericRecord photo() {
    return new GenericRecordBuilder(OLDER).set("uri", "file:/a").build();
  }

  private byte[] written(Map<String, String> settings) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(serializer(settings).serialize("t", photo()));
    return out.toByteArray();
  }

  private AvroSerializer<GenericRecord> serializer(Map<String, String> more) {
    SchemaRegistryConfig config = SchemaRegistryConfig.of(settings(more));
    return new AvroSerializer<>(
        new org.apache.avro.generic.GenericData(),
        new RestSchemaRegistry(config),
        config.writePolicy());
  }

  private SchemaRegistryClient registry() {
    return SchemaRegistryClient.create(settings(Map.of()));
  }

  private Map<String, String> settings(Map<String, String> more) {
    Map<String, String> settings = new HashMap<>(more);
    settings.put("schema.registry.url", server.url());
    settings.put("max.retries", "1");
    settings.put("retries.wait.ms", "10");
    return settings;
  }
}
