package io.shelfstream.topology;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.broker.Topics;
import io.shelfstream.client.TopicReader;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.messages.RegistryWait;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** A registry that is away delays frames, and never turns one into a dead letter. */
@ExtendWith(SharedBroker.class)
class RegistryOutageIT {
  private static final Logger LOGGER = (Logger) LoggerFactory.getLogger(RegistryWait.class);
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  private final ListAppender<ILoggingEvent> log = new ListAppender<>();
  private TestTopics topics;
  private TinyRegistry registry;
  private ShelfStreamConfig config;
  private Path image;

  @BeforeEach
  void start(EmbeddedBroker broker, @TempDir Path folder, TestInfo test) throws Exception {
    topics = new TestTopics(broker.bootstrapServers(), folder, test);
    registry = new TinyRegistry();
    image = Path.of("src/test/resources/pictures/halves.png").toAbsolutePath();
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("schema.registry.url", registry.url());
    settings.put("max.retries", "0");
    settings.put("images.allowed.roots", image.getParent().toString());
    // So short that a thread which waits loses its partitions and its transaction.
    settings.put("kafka.main.consumer.max.poll.interval.ms", "2000");
    settings.put("kafka.producer.transaction.timeout.ms", "2000");
    config = topics.config(settings);
    Topics.create(config);
    log.start();
    LOGGER.addAppender(log);
  }

  @AfterEach
  void stop() throws IOException {
    LOGGER.detachAppender(log);
    registry.close();
  }

  @Test
  void waitsAtStartAndWhenAFrameNamesANewSchemaAndLosesNothing() throws Exception {
    CompletableFuture<RecognitionService> starting =
        CompletableFuture.supplyAsync(() -> RecognitionService.start(config));
    TestTopics.until(() -> waits() == 1);
    assertThat(log.list.get(0).getFormattedMessage())
        .startsWith("Waiting for the schema registry: ")
        .contains(registry.url(), config.topics().recognitions() + "-value");
    registry.start();

    try (RecognitionService service = starting.get(60, TimeUnit.SECONDS);
        TopicReader answers =
            new TopicReader(
                config,
                TopicReader.From.BEGINNING,
                config.topics().recognitions(),
                config.topics().deadLetters())) {
      int known = registry.put(ImageReference.getClassSchema().toString());
      publish(0, known);
      assertThat(answers(answers, 1)).hasSize(1);
      registry.stop();

      for (int i = 1; i < 10; i++) {
        publish(i, known);
      }
      assertThat(answers(answers, 9)).hasSize(9); // from the cache
      int unseen =
          registry.put(
              ImageReference.getClassSchema()
                  .toString()
                  .replaceFirst("One frame of", "A later version's frame of"));
      for (int i = 10; i < 20; i++) {
        publish(i, i == 13 ? unseen : known);
      }
      TestTopics.until(() -> waits() == 2);
      TimeUnit.SECONDS.sleep(5); // Kafka has given the partition away meanwhile
      registry.start();

      List<String> rest = answers(answers, 10);
      assertThat(rest)
          .containsExactlyElementsOf(IntStream.range(10, 20).mapToObj(i -> "frame-" + i).toList());
      assertThat(answers.poll(Duration.ofSeconds(1))).isEmpty();
    }
  }

  @Test
  void endsAWaitWhenItIsStopped() throws Exception {
    registry.start();
    RecognitionService service = RecognitionService.start(config);
    registry.stop();
    publish(0, registry.put("{\"type\":\"string\"}"));
    TestTopics.until(() -> waits() == 1);

    long began = System.nanoTime();
    service.close();

    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(20));
    assertThat(service.awaitStop()).isNull();
    try (TopicReader letters =
        new TopicReader(config, TopicReader.From.BEGINNING, config.topics().deadLetters())) {
      assertThat(letters.poll(Duration.ofSeconds(1))).isEmpty();
    }
  }

  private long waits() {
    return List.copyOf(log.list).stream()
        .filter(event -> event.getFormattedMessage().startsWith("Waiting for"))
        .count();
  }

  private void publish(int number, int schemaId) throws Exception {
    ImageReference frame =
        RecognitionEvents.reference(
            "c", "frame-" + number, image.toUri().toString(), Instant.ofEpochMilli(1_000));
    ByteArrayOutputStream value = new ByteArrayOutputStream();
    value.write(ByteBuffer.allocate(5).put((byte) 0).putInt(schemaId).array());
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(value, null);
    new SpecificDatumWriter<>(ImageReference.class).write(frame, encoder);
    encoder.flush();
    try (KafkaProducer<String, byte[]> producer = topics.producer(null)) {
      producer.send(new ProducerRecord<>(config.topics().frames(), value.toByteArray())).get();
    }
  }

  private List<String> answers(TopicReader reader, int count) throws Exception {
    List<String> frames = new ArrayList<>();
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (frames.size() < count && System.nanoTime() < deadline) {
      for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofMillis(200))) {
        assertThat(record.topic()).isEqualTo(config.topics().recognitions());
        frames.add(frameId(record.value()));
      }
    }
    return frames;
  }

  /** Without the registry, which may be away. */
  private static String frameId(byte[] value) throws IOException {
    return new SpecificDatumReader<>(RecognitionEvent.class)
        .read(null, DecoderFactory.get().binaryDecoder(value, 5, value.length - 5, null))
        .getFrameId();
  }
}
