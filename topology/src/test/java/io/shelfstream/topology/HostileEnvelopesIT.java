package io.shelfstream.topology;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.RawProducer;
import io.shelfstream.broker.RawProducer.RawHeader;
import io.shelfstream.broker.RawProducer.RawRecord;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.config.TopicNames;
import io.shelfstream.events.GalleryOutcome;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.messages.DeadLetter;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.messages.RecordHeaderText;
import io.shelfstream.recognition.Pictures;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import javax.imageio.ImageIO;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.internal.CompressionType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Timestamps, headers and sizes of records that Kafka allows and nobody expects. */
@ExtendWith(SharedBroker.class)
class HostileEnvelopesIT {
  /** A good frame behind all others. */
  private static final String BEHIND = "behind";

  private static final long DAY = 86_400_000;

  /** What a topic takes, and keeps. */
  private static final Map<String, String> FROM_ANY_TIME =
      Map.of(
          "message.timestamp.after.max.ms",
          Long.toString(Long.MAX_VALUE),
          "retention.ms",
          "-1",
          "segment.ms",
          Long.toString(Long.MAX_VALUE));

  private TestTopics topics;
  private TopicNames names;
  private RawProducer producer;

  @BeforeEach
  void connect(EmbeddedBroker broker, @TempDir Path folder, TestInfo test) throws Exception {
    topics = new TestTopics(broker.bootstrapServers(), folder, test);
    names = topics.names();
    producer = new RawProducer(broker.bootstrapServers());
  }

  @AfterEach
  void disconnect() throws Exception {
    producer.close();
  }

  /** One failure would end it. */
  private RecognitionService service(String guarantee) {
    return RecognitionService.start(
        topics.config(Map.of("delivery.guarantee", guarantee, "delivery.restarts", "0")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"exactly_once_v2", "at_least_once"})
  void answersWhatWasWrittenBeforeTimeBegan(String guarantee) throws Exception {
    topic(names.frames(), FROM_ANY_TIME);
    topic(names.galleryUpdates(), FROM_ANY_TIME);
    long begin = System.currentTimeMillis();
    try (RecognitionService service = service(guarantee)) {
      for (long time : List.of(-1L, -62_135_596_800_000L, Long.MIN_VALUE)) {
        send(names.frames(), "c1", frame("at " + time, red(), Map.of()), time);
        send(names.galleryUpdates(), "photo", update("photo", "Red", red()), time);
      }

      answersTheNextFrame();
      TestTopics.until(() -> topics.updatesHandled() == 3);
      assertThat(events())
          .extracting(RecognitionEvent::getFrameId)
          .containsExactly("at -1", "at -62135596800000", "at " + Long.MIN_VALUE, BEHIND);
      assertThat(statuses())
          .extracting(GalleryStatus::getOutcome)
          .containsOnly(GalleryOutcome.APPLIED, GalleryOutcome.SEARCHABLE);
      assertOfNow(begin, names.recognitions(), names.galleryStatus(), names.galleryVectors());
      assertThat(service.isReady()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"exactly_once_v2", "at_least_once"})
  void readsHeadersWithoutValues(String guarantee) throws Exception {
    try (RecognitionService service = service(guarantee)) {
      for (String name : List.of(DeadLetter.ATTEMPT, "traceparent", "ce_id", "no-meaning")) {
        List<RawHeader> headers = RawProducer.headers(name, null);
        send(names.frames(), "c1", "hello".getBytes(UTF_8), now(), headers);
        send(names.galleryUpdates(), "P/1.jpg", "hello".getBytes(UTF_8), now(), headers);
        send(names.galleryVectors(), "P/1.jpg", "hello".getBytes(UTF_8), now(), headers);
      }

      answersTheNextFrame();
      TestTopics.until(() -> letters().size() == 8);
      assertThat(letters())
          .allSatisfy(
              letter -> {
                assertThat(header(letter, DeadLetter.CLASS)).isEqualTo("UNDECODABLE_RECORD");
                assertThat(header(letter, DeadLetter.ATTEMPT)).isEqualTo("1");
              });
      assertThat(topics.updatesHandled()).isEqualTo(4);
      assertThat(service.isReady()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"exactly_once_v2", "at_least_once"})
  void answersWhatIsLargerThanItsTopicOnceItIsDecompressed(String guarantee) throws Exception {
    topic(names.frames(), Map.of("max.message.bytes", Integer.toString(50 << 20)));
    Map<String, String> much = Map.of("note", "x".repeat(12 << 20));
    try (RecognitionService service = service(guarantee)) {
      send(names.frames(), "c1", frame("large", red(), much), CompressionType.GZIP);
      send(names.frames(), "c1", frame("rejected", "gopher://no/x", much), CompressionType.GZIP);
      send(names.frames(), "c1", frame("picture", noise(), Map.of()), CompressionType.NONE);
      send(
          names.galleryUpdates(),
          "P/1.jpg",
          update("P/1.jpg", "L".repeat(2 << 20), red()),
          CompressionType.GZIP);

      answersTheNextFrame();
      TestTopics.until(() -> topics.updatesHandled() == 1);
      List<Long> answered = new ArrayList<>();
      for (ConsumerRecord<byte[], byte[]> letter : letters()) {
        if (header(letter, DeadLetter.TOPIC).equals(names.frames())) {
          answered.add(Long.parseLong(header(letter, DeadLetter.OFFSET)));
        }
      }
      events().stream()
          .filter(event -> event.getFrameId().equals("picture"))
          .forEach(event -> answered.add(2L));
      assertThat(answered).containsExactlyInAnyOrder(0L, 1L, 2L);
      assertThat(statuses()).extracting(GalleryStatus::getReason).containsExactly("INVALID_RECORD");
      assertThat(service.isReady()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"exactly_once_v2", "at_least_once"})
  void answersWhatIsOlderOrNewerThanItsTopicsTake(String guarantee) throws Exception {
    topic(names.frames(), FROM_ANY_TIME);
    topic(names.recognitions(), Map.of("message.timestamp.before.max.ms", "3600000"));
    long begin = System.currentTimeMillis();
    try (RecognitionService service = service(guarantee)) {
      for (long time : List.of(now() + 2 * DAY, now() - 7_200_000, now() - 8 * DAY)) {
        send(names.frames(), "c1", frame("good at " + time, red(), Map.of()), time);
        send(names.frames(), "c1", frame("bad at " + time, "gopher://no/x", Map.of()), time);
      }
      send(
          names.galleryUpdates(),
          "P/1.jpg",
          update("P/1.jpg", "P", "gopher://no/x"),
          now() - 8 * DAY);

      answersTheNextFrame();
      TestTopics.until(() -> topics.updatesHandled() == 1);
      awaitRetention();
      assertThat(events()).hasSize(4);
      assertThat(letters()).hasSize(4);
      assertThat(statuses())
          .extracting(GalleryStatus::getOutcome)
          .containsExactly(GalleryOutcome.REJECTED);
      assertOfNow(begin, names.recognitions(), names.deadLetters(), names.galleryStatus());
      assertThat(service.isReady()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"exactly_once_v2", "at_least_once"})
  void leavesTheReasonsOfAnEarlierLifeBehind(String guarantee) throws Exception {
    List<RawHeader> headers =
        RawProducer.headers(
            "order",
            "42",
            DeadLetter.CLASS,
            "NOT_FOUND",
            DeadLetter.STAGE,
            "fetch",
            DeadLetter.MESSAGE,
            "does not exist",
            DeadLetter.ATTEMPT,
            "1",
            DeadLetter.TOPIC,
            names.frames(),
            DeadLetter.OFFSET,
            "0",
            "contentType",
            "text/plain",
            "apicurio.value.encoding",
            "BINARY");
    try (RecognitionService service = service(guarantee)) {
      send(names.frames(), "c1", frame("second try", red(), Map.of()), now(), headers);
      send(names.frames(), "c1", frame("again", "gopher://no/x", Map.of()), now(), headers);
      send(names.galleryUpdates(), "photo", update("photo", "P", red()), now(), headers);

      answersTheNextFrame();
      TestTopics.until(() -> topics.updatesHandled() == 1);
      for (String topic :
          List.of(names.recognitions(), names.galleryStatus(), names.galleryVectors())) {
        ConsumerRecord<byte[], byte[]> first = topics.records(topic).get(0);
        assertThat(header(first, "order")).isEqualTo("42");
        assertThat(first.headers())
            .extracting(Header::key)
            .doesNotContain("contentType", "apicurio.value.encoding")
            .noneMatch(name -> name.startsWith("shelf."));
      }
      assertThat(letters())
          .singleElement()
          .satisfies(
              letter -> {
                assertThat(header(letter, DeadLetter.ATTEMPT)).isEqualTo("2");
                assertThat(header(letter, DeadLetter.OFFSET)).isEqualTo("1");
                assertThat(header(letter, "order")).isEqualTo("42");
              });
      assertThat(service.isReady()).isTrue();
    }
  }

  private void answersTheNextFrame() throws Exception {
    send(names.frames(), "c1", frame(BEHIND, red(), Map.of()), now());
    TestTopics.until(() -> events().stream().anyMatch(e -> e.getFrameId().equals(BEHIND)));
  }

  /** Returns once the broker has deleted what came after all answers, and is a week old. */
  private void awaitRetention() throws Exception {
    String old = names.frames() + ".old";
    topic(old, Map.of());
    send(old, "key", "value".getBytes(UTF_8), now() - 8 * DAY);
    TopicPartition partition = new TopicPartition(old, 0);
    try (Admin admin = topics.admin()) {
      TestTopics.until(
          () -> {
            try {
              return admin
                      .listOffsets(Map.of(partition, OffsetSpec.earliest()))
                      .partitionResult(partition)
                      .get()
                      .offset()
                  == 1;
            } catch (Exception e) {
              throw new AssertionError(e);
            }
          });
    }
  }

  private void topic(String name, Map<String, String> settings) throws Exception {
    try (Admin admin = topics.admin()) {
      admin.createTopics(List.of(new NewTopic(name, 1, (short) 1).configs(settings))).all().get();
    }
  }

  private void send(String topic, String key, byte[] value, long time) throws Exception {
    send(topic, key, value, time, List.of());
  }

  private void send(String topic, String key, byte[] value, long time, List<RawHeader> headers)
      throws Exception {
    RawRecord record = new RawRecord(time, key.getBytes(UTF_8), value, headers);
    producer.send(topic, 0, CompressionType.NONE, List.of(record));
  }

  private void send(String topic, String key, byte[] value, CompressionType compression)
      throws Exception {
    RawRecord record = new RawRecord(now(), key.getBytes(UTF_8), value, List.of());
    producer.send(topic, 0, compression, List.of(record));
  }

  private byte[] frame(String id, String uri, Map<String, String> attributes) {
    ImageReference frame =
        ImageReference.newBuilder(RecognitionEvents.reference("c1", id, uri, Instant.now()))
            .setAttributes(attributes)
            .build();
    return TestTopics.SERDES.frames().serializer().serialize(names.frames(), frame);
  }

  private byte[] update(String id, String label, String uri) {
    GalleryUpdate update =
        GalleryUpdate.newBuilder()
            .setGalleryImageId(id)
            .setProductId("P")
            .setLabel(label)
            .setUri(uri)
            .build();
    return TestTopics.SERDES.updates().serializer().serialize(names.galleryUpdates(), update);
  }

  private static String red() {
    return Pictures.uri(Pictures.plain(Color.RED));
  }

  /** Some 9 MB as PNG, for nothing in it repeats. */
  private static String noise() throws Exception {
    BufferedImage image = new BufferedImage(1700, 1800, BufferedImage.TYPE_INT_RGB);
    Random random = new Random(1);
    for (int i = 0; i < 1700 * 1800; i++) {
      image.setRGB(i % 1700, i / 1700, random.nextInt());
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ImageIO.write(image, "png", bytes);
    return Pictures.uri(bytes.toByteArray());
  }

  private static long now() {
    return System.currentTimeMillis();
  }

  private void assertOfNow(long begin, String... written) {
    for (String topic : written) {
      assertThat(topics.records(topic))
          .isNotEmpty()
          .allSatisfy(r -> assertThat(r.timestamp()).isBetween(begin, System.currentTimeMillis()));
    }
  }

  private List<RecognitionEvent> events() {
    return topics.records(names.recognitions()).stream()
        .map(r -> TestTopics.SERDES.recognitions().deserializer().deserialize("", r.value()))
        .toList();
  }

  private List<GalleryStatus> statuses() {
    return topics.records(names.galleryStatus()).stream()
        .map(r -> TestTopics.SERDES.statuses().deserializer().deserialize("", r.value()))
        .toList();
  }

  private List<ConsumerRecord<byte[], byte[]>> letters() {
    return topics.records(names.deadLetters());
  }

  private static @Nullable String header(ConsumerRecord<byte[], byte[]> record, String name) {
    return RecordHeaderText.lastText(record.headers(), name);
  }
}
