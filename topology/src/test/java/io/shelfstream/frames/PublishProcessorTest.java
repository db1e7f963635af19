package io.shelfstream.frames;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shelfstream.config.NodeNames;
import io.shelfstream.config.Outputs;
import io.shelfstream.config.TopicNames;
import io.shelfstream.events.BoundingBox;
import io.shelfstream.events.Candidate;
import io.shelfstream.events.MatchStatus;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognitionStatus;
import io.shelfstream.events.RecognizedObject;
import io.shelfstream.events.Timings;
import io.shelfstream.events.Versions;
import io.shelfstream.messages.EventHeaders;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.messages.RecordLimits;
import io.shelfstream.registry.AvroSerde;
import io.shelfstream.registry.SchemaRegistryClient;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.test.TestRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What an event carries besides its value, and the other forms it goes out in. */
class PublishProcessorTest {
  private static final EventSerdes SERDES =
      EventSerdes.with(SchemaRegistryClient.create("mock://publish-test"));
  private static final AvroSerde<RecognitionEvent> SERDE = SERDES.recognitions();
  private static final int LIMIT = 64 << 10;
  private static final String ID = "0a7c6a0c-0000-5000-8000-000000000001";
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final String PARENT = "00-" + TRACE + "-b7ad6b7169203331-01";

  private TopologyTestDriver driver;
  private TestInputTopic<String, RecognitionEvent> events;
  private TestOutputTopic<String, RecognitionEvent> avro;
  private TestOutputTopic<String, byte[]> json;
  private TestOutputTopic<String, byte[]> epcis;

  @BeforeEach
  void start() {
    Outputs outputs = new Outputs("/shelfstream/shop", Optional.of("json"), Optional.of("epcis"));
    StringSerializer keys = new StringSerializer();
    Topology topology =
        new Topology()
            .addSource("events", new StringDeserializer(), SERDE.deserializer(), "events")
            .addProcessor(
                "publish",
                () ->
                    new PublishProcessor(
                        TopicNames.DEFAULT, SERDES, outputs, RecordLimits.all(LIMIT)),
                "events")
            .addSink(NodeNames.RECOGNITIONS, "avro", keys, new ByteArraySerializer(), "publish")
            .addSink(
                NodeNames.RECOGNITIONS_JSON, "json", keys, new ByteArraySerializer(), "publish")
            .addSink(NodeNames.OBSERVATIONS, "epcis", keys, new ByteArraySerializer(), "publish");
    driver = new TopologyTestDriver(topology, new Properties());
    events = driver.createInputTopic("events", keys, SERDE.serializer());
    avro = driver.createOutputTopic("avro", new StringDeserializer(), SERDE.deserializer());
    json = driver.createOutputTopic("json", new StringDeserializer(), new ByteArrayDeserializer());
    epcis =
        driver.createOutputTopic("epcis", new StringDeserializer(), new ByteArrayDeserializer());
  }

  @AfterEach
  void stop() {
    driver.close();
  }

  @Test
  void saysWhatTheEventIsAsCloudEventsDo() {
    Map<String, String> headers = headersOfTheAnswerTo(new RecordHeaders());

    assertThat(headers)
        .containsEntry("ce_specversion", "1.0")
        .containsEntry("ce_id", ID)
        .containsEntry("ce_source", "/shelfstream/shop")
        .containsEntry("ce_type", "io.shelfstream.recognition.v1")
        .containsEntry("ce_subject", "c17")
        .containsEntry("ce_time", "2026-11-24T08:00:00.301Z")
        .containsEntry("content-type", "application/avro");
  }

  @Test
  void continuesTheTraceOfTheSourceRecord() {
    Map<String, String> headers =
        headersOfTheAnswerTo(headers("traceparent", PARENT, "tracestate", "shop=1"));

    assertThat(headers.get("traceparent")).matches("00-" + TRACE + "-[0-9a-f]{16}-01");
    assertThat(headers.get("traceparent")).isNotEqualTo(PARENT);
    assertThat(headers)
        .containsEntry("ce_traceparent", headers.get("traceparent"))
        .containsEntry("tracestate", "shop=1")
        .containsEntry("ce_tracestate", "shop=1");
  }

  @Test
  void continuesATraceThatOnlyTheCloudEventsExtensionCarries() {
    assertThat(headersOfTheAnswerTo(headers("ce_traceparent", PARENT)).get("traceparent"))
        .startsWith("00-" + TRACE);
  }

  @Test
  void beginsATraceWhereTheSourcesIsNone() {
    for (String invalid :
        List.of(
            "",
            "nonsense",
            PARENT + "-more",
            PARENT.replace(TRACE, "0".repeat(32)),
            "ff" + PARENT.substring(2),
            PARENT.toUpperCase(java.util.Locale.ROOT))) {
      Map<String, String> headers =
          headersOfTheAnswerTo(headers("traceparent", invalid, "tracestate", "lost=1"));
      assertThat(headers.get("traceparent")).as(invalid).matches("00-[0-9a-f]{32}-[0-9a-f]{16}-00");
      assertThat(headers.get("traceparent")).doesNotContain(TRACE);
      assertThat(headers).doesNotContainKey("tracestate");
    }
  }

  @Test
  void readsATraceOfALaterVersion() {
    assertThat(
            headersOfTheAnswerTo(headers("traceparent", "cc" + PARENT.substring(2) + "-new"))
                .get("traceparent"))
        .startsWith("00-" + TRACE);
  }

  @Test
  void handsOnForeignHeadersButNoneThatDescribeTheSource() {
    Headers source =
        headers(
            "correlation",
            "42",
            "ce_id",
            "source",
            "ce_extra",
            "1",
            "content-type",
            "text/plain",
            "__value_schema_id",
            "x",
            "__key_schema_id",
            "y");

    events.pipeInput(new TestRecord<>("c17", event(), source));

    Headers headers = avro.readRecord().headers();
    assertThat(headers)
        .extracting("key")
        .doesNotHaveDuplicates()
        .contains("correlation", "ce_id")
        .doesNotContain("ce_extra", "__value_schema_id", "__key_schema_id");
  }

  @Test
  void writesTheSameEventAsJson() throws Exception {
    events.pipeInput("c17", event());

    TestRecord<String, byte[]> record = json.readRecord();

    JsonNode read = new ObjectMapper().readTree(record.value());
    assertThat(record.key()).isEqualTo("c17");
    assertThat(read.path("eventId").asText()).isEqualTo(ID);
    assertThat(read.path("objects").size()).isEqualTo(5);
    assertThat(text(record.headers()))
        .containsEntry("content-type", "application/json")
        .containsEntry("ce_id", ID);
  }

  @Test
  void writesMatchedGtinsAsAnEpcisObservation() throws Exception {
    events.pipeInput("c17", event());

    TestRecord<String, byte[]> record = epcis.readRecord();

    JsonNode read = new ObjectMapper().readTree(record.value());
    assertThat(read)
        .isEqualTo(
            new ObjectMapper()
                .readTree(
                    """
                    {"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
                     "type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-11-24T08:00:00.301Z",
                     "epcisBody":{"eventList":[
                      {"type":"ObjectEvent","eventID":"urn:uuid:%s","eventTime":"2026-11-24T08:00:00Z",
                       "eventTimeZoneOffset":"+00:00","action":"OBSERVE",
                       "readPoint":{"id":"https://id.gs1.org/414/4012345000009/254/c17"},
                       "bizLocation":{"id":"https://id.gs1.org/414/4012345000009"},
                       "quantityList":[
                        {"epcClass":"https://id.gs1.org/01/04006381333931","quantity":2}]}]}}
                    """
                        .formatted(ID)));
    assertThat(text(record.headers())).containsEntry("content-type", "application/ld+json");
  }

  @Test
  void writesNoObservationWhereNothingWasMatched() {
    RecognitionEvent nothing = RecognitionEvent.newBuilder(event()).setObjects(List.of()).build();

    events.pipeInput("c17", nothing);

    assertThat(epcis.isEmpty()).isTrue();
    assertThat(json.isEmpty()).isFalse();
  }

  @Test
  void namesACameraOutsideGs1ByAUrn() throws Exception {
    RecognitionEvent event =
        RecognitionEvent.newBuilder(event()).setStoreId("shop 7").setCameraId("a b").build();

    events.pipeInput("a b", event);

    JsonNode observed = new ObjectMapper().readTree(epcis.readValue()).at("/epcisBody/eventList/0");
    assertThat(observed.at("/readPoint/id").asText()).isEqualTo("urn:x-shelfstream:camera:a%20b");
    assertThat(observed.has("bizLocation")).isFalse();
  }

  @Test
  void handsOnNoHeaderThatSaysWhatBecameOfTheSourceOrWhatItsBytesAre() {
    Headers source =
        headers(
            "order", "42",
            "shelf.error.class", "NOT_FOUND",
            "shelf.attempt", "1",
            "shelf.source.topic", "shelf.frames",
            "contentType", "application/json",
            "apicurio.value.globalId", "7",
            "CE_ID", "x");
    source.add("none", null);

    events.pipeInput(new TestRecord<>("c17", event(), source));
    Headers headers = avro.readRecord().headers();

    assertThat(headers.lastHeader("order").value()).asString().isEqualTo("42");
    assertThat(headers.lastHeader("none").value()).isNull();
    assertThat(headers)
        .extracting(h -> h.key().toLowerCase(Locale.ROOT))
        .noneMatch(name -> name.startsWith("shelf.") || name.startsWith("apicurio"))
        .doesNotContain("contenttype")
        .containsOnlyOnce("ce_id");
  }

  @Test
  void handsOnAsManyHeadersAsFit() {
    Headers source = new RecordHeaders();
    for (int i = 0; i < 10_000; i++) {
      source.add("h", null);
    }
    events.pipeInput(new TestRecord<>("c17", event(), source));
    assertThat(avro.readRecord().headers().headers("h")).hasSize(EventHeaders.MOST);

    events.pipeInput(
        new TestRecord<>(
            "c17", event(), new RecordHeaders().add("a", new byte[9]).add("b", new byte[1 << 20])));
    Headers bounded = avro.readRecord().headers();
    assertThat(bounded.lastHeader("a")).isNotNull();
    assertThat(bounded.lastHeader("b")).isNull();
  }

  @Test
  void leavesOutCandidatesBeforeObjects() {
    List<RecognizedObject> objects = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      objects.add(
          RecognizedObject.newBuilder(object(MatchStatus.MATCH, null))
              .setLabel("x".repeat(1000))
              .setDetectionScore(i / 100f)
              .setCandidates(
                  List.of(
                      new Candidate("p", "best", "1.jpg", 0.9f),
                      new Candidate("q", "y".repeat(4000), "2.jpg", 0.8f)))
              .build());
    }
    RecognitionEvent large = RecognitionEvent.newBuilder(event()).setObjects(objects).build();
    events.pipeInput(new TestRecord<>("c17", large, new RecordHeaders()));
    RecognitionEvent shorter = avro.readValue();

    assertThat(shorter.getStatus()).isEqualTo(RecognitionStatus.PARTIAL);
    assertThat(shorter.getPartialReason()).contains("at most 1 candidates");
    assertThat(shorter.getObjects()).hasSize(20);
    assertThat(shorter.getObjects().get(0).getCandidates())
        .extracting(Candidate::getLabel)
        .containsExactly("best");

    List<RecognizedObject> many = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      many.addAll(objects);
    }
    events.pipeInput(
        new TestRecord<>(
            "c17",
            RecognitionEvent.newBuilder(event()).setObjects(many).build(),
            new RecordHeaders()));
    RecognitionEvent shortest = avro.readValue();
    assertThat(shortest.getPartialReason()).contains("50 of 200 objects");
    assertThat(shortest.getObjects())
        .hasSize(50)
        .allMatch(o -> o.getCandidates().isEmpty() && o.getDetectionScore() > 0.14f);
  }

  private Map<String, String> headersOfTheAnswerTo(Headers source) {
    events.pipeInput(new TestRecord<>("c17", event(), source));
    return text(avro.readRecord().headers());
  }

  private static Map<String, String> text(Headers headers) {
    Map<String, String> text = new TreeMap<>();
    headers.forEach(h -> text.put(h.key(), new String(h.value(), StandardCharsets.UTF_8)));
    return text;
  }

  private static Headers headers(String... namesAndValues) {
    Headers headers = new RecordHeaders();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      headers.add(namesAndValues[i], namesAndValues[i + 1].getBytes(StandardCharsets.UTF_8));
    }
    return headers;
  }

  /** Twice one product as GTIN-13 and GTIN-14, and objects that do not count. */
  private static RecognitionEvent event() {
    return RecognitionEvent.newBuilder()
        .setEventId(ID)
        .setCameraId("c17")
        .setFrameId("f1")
        .setStoreId("4012345000009")
        .setUri("file:/f1.jpg")
        .setImageWidth(100)
        .setImageHeight(100)
        .setCapturedAt(Instant.parse("2026-11-24T08:00:00Z"))
        .setProcessedAt(Instant.parse("2026-11-24T08:00:00.301Z"))
        .setObjects(
            Arrays.asList(
                object(MatchStatus.MATCH, "4006381333931"),
                object(MatchStatus.MATCH, "04006381333931"),
                object(MatchStatus.AMBIGUOUS, "4006381333931"),
                object(MatchStatus.MATCH, null),
                object(MatchStatus.MATCH, "4006381333930")))
        .setVersions(new Versions("d", "e", 1L, 1, "Flat", "cpu", Map.of(), "shelf"))
        .setTimings(new Timings(0f, 0f, 0f, 0f, 0f, 0f, 0f))
        .build();
  }

  private static RecognizedObject object(MatchStatus status, String gtin) {
    return RecognizedObject.newBuilder()
        .setBbox(new BoundingBox(0, 0, 10, 10))
        .setDetectionScore(1f)
        .setStatus(status)
        .setGtin(gtin)
        .setScore(0.9f)
        .setWholeImage(false)
        .setCandidates(List.of())
        .build();
  }
}
