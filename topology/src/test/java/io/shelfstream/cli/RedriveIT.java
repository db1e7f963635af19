package io.shelfstream.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.broker.Topics;
import io.shelfstream.client.TopicReader;
import io.shelfstream.client.UsageException;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.messages.DeadLetter;
import io.shelfstream.messages.RecordHeaderText;
import io.shelfstream.messages.SourcePosition;
import io.shelfstream.recognition.RejectedException;
import io.shelfstream.recognition.Stage;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.streams.processor.api.Record;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(SharedBroker.class)
class RedriveIT {
  private static final int LARGE = 1 << 20;

  private final PrintStream stdout = System.out;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private String prefix;
  private Path settings;
  private ShelfStreamConfig config;
  private KafkaProducer<byte[], byte[]> producer;

  @BeforeEach
  void start(EmbeddedBroker broker, @TempDir Path folder) throws Exception {
    prefix = "RedriveIT-" + System.nanoTime() + ".";
    settings =
        Files.writeString(
            folder.resolve("my.properties"),
            String.join(
                "\n",
                "kafka.bootstrap.servers = " + broker.bootstrapServers(),
                "models.dir = src/test/resources/models/colour",
                "application.id = " + prefix + "app",
                "topics.frames = " + prefix + "frames",
                "topics.recognitions = " + prefix + "recognitions",
                "topics.gallery.updates = " + prefix + "updates",
                "topics.gallery.vectors = " + prefix + "vectors",
                "topics.gallery.status = " + prefix + "status",
                "topics.dead.letters = " + prefix + "dead-letters"));
    config = ShelfStreamConfig.loadWithModels(settings, Map.of());
    Topics.create(config);
    producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", broker.bootstrapServers()),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    System.setOut(new PrintStream(out, true, UTF_8));
  }

  @AfterEach
  void stop() {
    System.setOut(stdout);
    producer.close();
  }

  private int redrive(String... arguments) {
    out.reset();
    List<String> all = new ArrayList<>(List.of("redrive", "-c", settings.toString()));
    all.addAll(List.of(arguments));
    return ShelfStreamCommand.run(all.toArray(String[]::new));
  }

  private String printed() {
    return out.toString(UTF_8);
  }

  /** A dead letter as the service writes it. */
  private void deadLetter(String topic, String value, String reason, int limit) throws Exception {
    Headers headers = new RecordHeaders().add("order", "42".getBytes(UTF_8));
    Record<byte[], byte[]> letter =
        DeadLetter.of(
            new Record<>("camera".getBytes(UTF_8), value.getBytes(UTF_8), 1_000L, headers),
            new SourcePosition(topic, 0, 7),
            new RejectedException(
                Stage.FETCH, RejectedException.Reason.valueOf(reason), "it was away"),
            0,
            limit);
    producer
        .send(
            new ProducerRecord<>(
                config.topics().deadLetters(),
                null,
                letter.key(),
                letter.value(),
                letter.headers()))
        .get();
  }

  private List<ConsumerRecord<byte[], byte[]>> read(String topic) {
    List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
    try (TopicReader reader = new TopicReader(config, TopicReader.From.BEGINNING, topic)) {
      while (!reader.atEnd()) {
        reader.poll(Duration.ofMillis(200)).forEach(records::add);
      }
    }
    return records;
  }

  @Test
  void publishesEachRecordAgainOnceAndCountsItsAttempts() throws Exception {
    String frames = config.topics().frames();
    String updates = config.topics().galleryUpdates();
    deadLetter(frames, "one", "INTERNAL_ERROR", LARGE);
    deadLetter(frames, "two", "INVALID_RECORD", LARGE);
    deadLetter(updates, "photo", "INTERNAL_ERROR", LARGE);
    deadLetter(frames, "x".repeat(4000), "INTERNAL_ERROR", 2000); // too large to be kept
    deadLetter("another-topic", "foreign", "INTERNAL_ERROR", LARGE);

    assertThat(redrive("--dry-run")).isZero();
    assertThat(printed())
        .contains("would redrive 2 INTERNAL_ERROR", "would redrive 1 INVALID_RECORD")
        .contains("left 1: its value was too large", "left 1: its source topic another-topic")
        .contains("would redrive 3, left 2");
    assertThat(read(frames)).isEmpty();

    assertThat(redrive("--reason", "INVALID_RECORD")).isZero();
    assertThat(printed()).contains("redriven 1 INVALID_RECORD", "redriven 1, left 0");
    assertThat(redrive()).isZero();
    assertThat(printed())
        .contains("redriven 2 INTERNAL_ERROR", "left 1: redriven before", "redriven 2, left 3");
    assertThat(redrive()).isZero();
    assertThat(printed()).contains("left 3: redriven before", "redriven 0, left 5");

    assertThat(read(frames))
        .satisfiesExactlyInAnyOrder(
            record -> assertIs(record, "two"), record -> assertIs(record, "one"));
    assertThat(read(updates)).singleElement().satisfies(record -> assertIs(record, "photo"));
  }

  private static void assertIs(ConsumerRecord<byte[], byte[]> record, String value) {
    assertThat(record.value()).asString(UTF_8).isEqualTo(value);
    assertThat(record.key()).asString(UTF_8).isEqualTo("camera");
    assertThat(RecordHeaderText.lastText(record.headers(), "order")).isEqualTo("42");
    assertThat(record.timestamp()).isGreaterThan(1_000L);
    assertThat(RecordHeaderText.lastText(record.headers(), DeadLetter.CLASS)).isNull();
    // Where it fails again, its next dead letter says so.
    Record<byte[], byte[]> again =
        DeadLetter.of(
            new Record<>(record.key(), record.value(), record.timestamp(), record.headers()),
            new SourcePosition(record.topic(), 0, record.offset()),
            new RejectedException(
                Stage.FETCH, RejectedException.Reason.INTERNAL_ERROR, "still away"),
            0,
            LARGE);
    assertThat(RecordHeaderText.lastText(again.headers(), DeadLetter.ATTEMPT)).isEqualTo("2");
    assertThat(RecordHeaderText.lastText(again.headers(), DeadLetter.REDRIVEN)).isNull();
  }

  @Test
  void choosesByTimePlaceAndAttempts() throws Exception {
    deadLetter(config.topics().frames(), "one", "INTERNAL_ERROR", LARGE);
    ConsumerRecord<byte[], byte[]> letter = read(config.topics().deadLetters()).get(0);

    assertThat(redrive("--since", Instant.now().plusSeconds(3600).toString())).isZero();
    assertThat(printed()).contains("redriven 0, left 0");
    assertThat(redrive("--place", "0-999", "--dry-run")).isZero();
    assertThat(printed()).contains("would redrive 0, left 0");
    assertThat(
            redrive(
                "--since",
                "1h",
                "--max-attempts",
                "1",
                "--place",
                letter.partition() + "-" + letter.offset()))
        .isZero();
    assertThat(printed()).contains("redriven 1, left 0");
  }

  @Test
  void explainsATimeThatIsNone() {
    Instant now = Instant.parse("2026-11-29T10:00:00Z");
    assertThat(RedriveCommand.time("2h", now)).isEqualTo(now.minusSeconds(7200));
    assertThat(RedriveCommand.time("2026-11-29T09:00:00+01:00", now))
        .isEqualTo(Instant.parse("2026-11-29T08:00:00Z"));
    assertThatThrownBy(() -> RedriveCommand.time("yesterday", now))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("yesterday", "2h");
    assertThat(redrive("--place", "nonsense")).isEqualTo(2);
    assertThat(redrive("--reason", "TIMEOUT")).isEqualTo(2);
  }
}
