package io.shelfstream.topology;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.client.EventProducer;
import io.shelfstream.client.TopicReader;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.config.TopicNames;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.recognition.Pictures;
import io.shelfstream.registry.SchemaRegistryClient;
import java.awt.Color;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.TestInfo;

/**
 * The topics of one test, beside those of others on the same broker: products are plain colours,
 * photos and frames lie in the records.
 */
public final class TestTopics {
  static final EventSerdes SERDES =
      EventSerdes.with(SchemaRegistryClient.create("mock://shelfstream"));
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final AtomicInteger TESTS = new AtomicInteger();

  private final String bootstrapServers;
  private final Path folder;
  private final String name;
  private int frames;

  /**
   * Topics that no other test of this JVM has.
   *
   * @param folder for the state of services
   */
  public TestTopics(String bootstrapServers, Path folder, TestInfo test) {
    this(
        bootstrapServers,
        folder,
        "%s.%s.%d"
            .formatted(
                test.getTestClass().orElseThrow().getSimpleName(),
                test.getTestMethod().orElseThrow().getName(),
                TESTS.incrementAndGet()));
  }

  /** The same for all tests of a class. */
  public TestTopics(String bootstrapServers, Path folder, TestInfo test, String name) {
    this(
        bootstrapServers,
        folder,
        "%s.%s.%d"
            .formatted(
                test.getTestClass().orElseThrow().getSimpleName(), name, TESTS.incrementAndGet()));
  }

  private TestTopics(String bootstrapServers, Path folder, String name) {
    this.bootstrapServers = bootstrapServers;
    this.folder = folder;
    this.name = name;
  }

  /** The same on a broker that was started again. */
  TestTopics on(String newBootstrapServers) {
    return new TestTopics(newBootstrapServers, folder, name);
  }

  public ShelfStreamConfig config(Map<String, String> more) {
    return ShelfStreamConfig.loadWithModels(null, settings(more));
  }

  /** The same for a process of its own. */
  Map<String, String> settings(Map<String, String> more) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("kafka.bootstrap.servers", bootstrapServers);
    settings.put("application.id", name);
    settings.put("state.dir", folder.resolve("state").toString());
    settings.put("models.dir", "src/test/resources/models/colour");
    settings.put("models.threads", "1");
    settings.put("topics.frames", name + ".frames");
    settings.put("topics.recognitions", name + ".recognitions");
    settings.put("topics.gallery.updates", name + ".updates");
    settings.put("topics.gallery.vectors", name + ".vectors");
    settings.put("topics.gallery.status", name + ".status");
    settings.put("topics.dead.letters", name + ".dead-letters");
    settings.putAll(more);
    return settings;
  }

  TopicNames names() {
    return config(Map.of()).topics();
  }

  Admin admin() {
    return Admin.create(Map.of("bootstrap.servers", bootstrapServers));
  }

  /**
   * A plain producer.
   *
   * @param transactionalId null for one without transactions
   */
  KafkaProducer<String, byte[]> producer(@Nullable String transactionalId) {
    Map<String, Object> settings = new HashMap<>();
    settings.put("bootstrap.servers", bootstrapServers);
    if (transactionalId != null) {
      settings.put("transactional.id", name + "." + transactionalId);
    }
    return new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer());
  }

  /** Distinct colours, red first. */
  static Map<String, @Nullable Color> photos(int count) {
    Map<String, @Nullable Color> photos = new LinkedHashMap<>();
    for (int i = 0; i < count; i++) {
      photos.put("photo-" + i, new Color(255, (i / 8) * 50, (i % 8) * 30));
    }
    return photos;
  }

  /** Publishes photos, all to be embedded; null removes one. */
  void update(Map<String, @Nullable Color> photos) {
    try (EventProducer producer = new EventProducer(config(Map.of()))) {
      photos.forEach(
          (id, colour) ->
              producer.send(
                  names().galleryUpdates(),
                  id,
                  SERDES.updates(),
                  colour == null ? null : update(id, colour)));
    }
  }

  private static GalleryUpdate update(String id, Color colour) {
    return GalleryUpdate.newBuilder()
        .setGalleryImageId(id)
        .setProductId(product(colour))
        .setLabel(product(colour))
        .setUri(Pictures.uri(Pictures.plain(colour)))
        .build();
  }

  static String product(Color colour) {
    return "%06x".formatted(colour.getRGB() & 0xffffff);
  }

  /** Publishes references to one image, each from a camera of its own; waits for no answer. */
  void publish(String uri, int count) {
    try (EventProducer producer = new EventProducer(config(Map.of()))) {
      for (int i = 0; i < count; i++) {
        producer.send(
            names().frames(),
            "camera-" + i,
            SERDES.frames(),
            RecognitionEvents.reference("camera-" + i, "frame-" + frames++, uri, Instant.now()));
      }
    }
  }

  /** Publishes a frame and returns the next event. */
  public RecognitionEvent recognize(Color colour) {
    ShelfStreamConfig config = config(Map.of());
    try (TopicReader answers =
            new TopicReader(
                config,
                TopicReader.From.END,
                config.topics().recognitions(),
                config.topics().deadLetters());
        EventProducer producer = new EventProducer(config)) {
      String frame = "frame-" + frames++;
      producer.send(
          config.topics().frames(),
          "camera",
          SERDES.frames(),
          RecognitionEvents.reference(
              "camera", frame, Pictures.uri(Pictures.plain(colour)), Instant.now()));
      producer.flush();
      long deadline = System.nanoTime() + PATIENCE.toNanos();
      while (System.nanoTime() < deadline) {
        for (ConsumerRecord<byte[], byte[]> record : answers.poll(Duration.ofMillis(100))) {
          assertThat(record.topic()).isEqualTo(config.topics().recognitions());
          return SERDES.recognitions().deserializer().deserialize(record.topic(), record.value());
        }
      }
    }
    throw new AssertionError("No answer within " + PATIENCE);
  }

  /** Every committed record of a topic. */
  List<ConsumerRecord<byte[], byte[]>> records(String topic) {
    List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
    try (TopicReader reader =
        new TopicReader(config(Map.of()), TopicReader.From.BEGINNING, topic)) {
      while (!reader.atEnd()) {
        reader.poll(Duration.ofMillis(100)).forEach(records::add);
      }
    }
    return records;
  }

  /** How many gallery updates were answered; a second status says when a change is searchable. */
  int updatesHandled() {
    return (int)
        records(names().galleryStatus()).stream()
            .map(status -> new String(status.headers().lastHeader("ce_id").value(), UTF_8))
            .filter(id -> !id.endsWith("@searchable"))
            .count();
  }

  static Gallery gallery(RecognitionService service) {
    return BenchApplications.gallery(service);
  }

  public static void awaitSize(RecognitionService service, int photos) {
    until(() -> service.gallery().state().size() == photos);
  }

  static void until(BooleanSupplier holds) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!holds.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited for %s", PATIENCE).isLessThan(deadline);
      try {
        Thread.sleep(20);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }
}
