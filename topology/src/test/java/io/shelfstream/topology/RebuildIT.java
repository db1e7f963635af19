package io.shelfstream.topology;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.broker.Topics;
import io.shelfstream.client.EventProducer;
import io.shelfstream.config.NodeNames;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryOutcome;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.index.IndexException;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.recognition.Pictures;
import java.awt.Color;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TransactionListing;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Clients of Kafka that die under the service: it is not ready, then it is again. */
@ExtendWith(SharedBroker.class)
class RebuildIT {
  /**
   * Closing the dead client, joining the group anew and taking the frames up, on a busy machine.
   */
  private static final Duration REBUILT_WITHIN = Duration.ofSeconds(30);

  private static final int PARTITIONS = 4;

  @TempDir Path folder;
  private TestTopics topics;
  private ShelfStreamConfig config;

  @BeforeEach
  void configure(EmbeddedBroker broker, TestInfo test) {
    topics = new TestTopics(broker.bootstrapServers(), folder, test);
    config = topics.config(Map.of());
    Topics.create(config, PARTITIONS, (short) 1);
  }

  @Test
  void buildsTheClientAnewThatAnotherInstanceHasShutDown() throws Exception {
    try (RecognitionService service = RecognitionService.start(config)) {
      publish(0, 20);
      TestTopics.until(() -> answers().size() == 20);
      assertThat(service.isReady()).isTrue();

      KafkaStreams other = shuttingDownTheApplication();
      other.start();
      publish(20, 40);
      TestTopics.until(() -> !service.isReady());
      Instant down = Instant.now();
      TestTopics.until(service::isReady);
      assertThat(Duration.between(down, Instant.now())).isLessThan(REBUILT_WITHIN);
      other.close(Duration.ofSeconds(10));

      publish(40, 60);
      TestTopics.until(() -> answers().size() >= 60);
      assertThat(answers()).containsExactlyInAnyOrderElementsOf(frames(60));
    }
  }

  @Test
  void followsTheGalleryAnewWhenItsTopicWasMadeAgain() throws Exception {
    config = topics.config(Map.of("index.snapshot.dir", folder.resolve("snapshots").toString()));
    try (RecognitionService service = RecognitionService.start(config)) {
      Map<String, Color> photos = new LinkedHashMap<>();
      photos.put("red", Color.RED);
      photos.put("green", Color.GREEN);
      photos.put("black", Color.BLACK);
      topics.update(new LinkedHashMap<>(photos));
      TestTopics.awaitSize(service, 3);
      String vectors = config.topics().galleryVectors();
      try (Admin admin = topics.admin()) {
        admin.deleteTopics(List.of(vectors)).all().get();
        TestTopics.until(() -> !exists(admin, vectors));
      }
      Topics.create(config, PARTITIONS, (short) 1);
      topics.update(Map.of("blue", Color.BLUE));

      TestTopics.until(() -> !service.isReady()); // the global thread stands behind the new end
      Instant down = Instant.now();
      TestTopics.until(service::isReady);
      assertThat(Duration.between(down, Instant.now())).isLessThan(REBUILT_WITHIN);

      TestTopics.awaitSize(service, 1);
      assertThat(topics.recognize(Color.BLUE).getObjects().get(0).getProductId())
          .isEqualTo(TestTopics.product(Color.BLUE));
    }
  }

  @Test
  void statusesWarningsAndMemoryFollowTheGalleryThatIsCurrent() throws Exception {
    try (RecognitionService service = RecognitionService.start(config)) {
      Map<String, Color> expected = new LinkedHashMap<>();
      List<Gallery> retired = new ArrayList<>();
      for (int round = 0; round < 3; round++) {
        if (round > 0) {
          retired.add(TestTopics.gallery(service));
          breakFollower(service);
        }
        String id = "photo-" + round;
        Color colour = new Color(0, 100 + 60 * round, 30 * round);
        expected.put(id, colour);
        topics.update(Map.of(id, colour));
        TestTopics.awaitSize(service, 1); // the topic was made again, and holds only the last one
        TestTopics.until(() -> outcomes(id).contains(GalleryOutcome.SEARCHABLE));
        assertThat(outcomes(id)).containsExactly(GalleryOutcome.APPLIED, GalleryOutcome.SEARCHABLE);
      }

      // Another product with the very picture of the photo that only the third gallery holds.
      try (EventProducer producer = new EventProducer(config)) {
        producer.send(
            config.topics().galleryUpdates(),
            "twin",
            TestTopics.SERDES.updates(),
            GalleryUpdate.newBuilder()
                .setGalleryImageId("twin")
                .setProductId("other")
                .setLabel("other")
                .setUri(Pictures.uri(Pictures.plain(expected.get("photo-2"))))
                .build());
      }
      TestTopics.until(() -> outcomes("twin").contains(GalleryOutcome.SEARCHABLE));
      assertThat(statuses("twin").get(0).getWarnings())
          .anyMatch(warning -> warning.startsWith("RESEMBLES_OTHER_PRODUCT"));

      assertThat(retired)
          .hasSize(2)
          .allSatisfy(
              gallery ->
                  assertThatThrownBy(() -> gallery.search(List.of(new float[] {1, 0, 0}), 1))
                      .as("its native memory is freed")
                      .isInstanceOf(IndexException.class)
                      .hasMessageContaining("closed"));
    }
  }

  /** Makes the vectors topic anew; returns when the service follows it. */
  private void breakFollower(RecognitionService service) throws Exception {
    String vectors = config.topics().galleryVectors();
    try (Admin admin = topics.admin()) {
      admin.deleteTopics(List.of(vectors)).all().get();
      TestTopics.until(() -> !exists(admin, vectors));
    }
    Topics.create(config, PARTITIONS, (short) 1);
    TestTopics.until(() -> !service.isReady());
    TestTopics.until(service::isReady);
  }

  private List<GalleryStatus> statuses(String id) {
    String topic = config.topics().galleryStatus();
    return topics.records(topic).stream()
        .map(
            record ->
                TestTopics.SERDES.statuses().deserializer().deserialize(topic, record.value()))
        .filter(status -> status.getGalleryImageId().equals(id))
        .toList();
  }

  private List<GalleryOutcome> outcomes(String id) {
    return statuses(id).stream().map(GalleryStatus::getOutcome).toList();
  }

  @Test
  void takesFramesUpAgainWhenItsProducerWasFenced() throws Exception {
    try (RecognitionService service = RecognitionService.start(config);
        Admin admin = topics.admin()) {
      for (int i = 0; i < 3; i++) {
        publish(20 * i, 20 * i + 20);
        TestTopics.until(() -> !producers(admin).isEmpty()); // the first begin some time after
        admin.fenceProducers(producers(admin)).all().get();
      }
      publish(60, 80);

      TestTopics.until(() -> answers().size() >= 80);
      assertThat(answers()).containsExactlyInAnyOrderElementsOf(frames(80));
      TestTopics.until(service::isReady);
    }
  }

  @Test
  void listenersGetEachEventOnceWhileInstancesComeAreKilledAndAreBuiltAnew() throws Exception {
    config = topics.config(Map.of("http.port", "0"));
    try (RecognitionService service = RecognitionService.start(config)) {
      String url = "http://127.0.0.1:%d".formatted(service.httpPort().orElseThrow());
      HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
      HttpResponse<Stream<String>> events =
          client.send(
              HttpRequest.newBuilder(URI.create(url + "/api/events")).build(),
              BodyHandlers.ofLines());
      List<String> seen = Collections.synchronizedList(new ArrayList<>());
      Thread listener = new Thread(() -> collect(events.body(), seen));
      listener.setDaemon(true);
      listener.start();
      Set<Integer> readiness = ConcurrentHashMap.newKeySet();
      AtomicBoolean over = new AtomicBoolean();
      Thread scraper =
          new Thread(
              () -> {
                while (!over.get()) {
                  status(client, url + "/metrics");
                  readiness.add(status(client, url + "/health/ready"));
                }
              });
      scraper.start();

      publish(0, 40);
      Process other = otherInstance();
      try (var lines =
          new BufferedReader(
              new InputStreamReader(other.getInputStream(), StandardCharsets.UTF_8))) {
        assertThat(lines.readLine()).isEqualTo("ready");
        publish(40, 80);
        TestTopics.until(() -> answers().size() >= 60); // both are at it
      } finally {
        other.destroyForcibly().waitFor();
      }
      publish(80, 120);
      TestTopics.until(() -> seen.size() >= 120);

      assertThat(readiness).containsExactly(200); // it went on by itself
      KafkaStreams failing = shuttingDownTheApplication();
      failing.start();
      TestTopics.until(() -> readiness.contains(503));
      TestTopics.until(service::isReady);
      failing.close(Duration.ofSeconds(10));
      publish(120, 160);
      TestTopics.until(() -> seen.size() >= 160);
      over.set(true);
      scraper.join();
      assertThat(seen).containsExactlyInAnyOrderElementsOf(frames(160));
      assertThat(readiness).containsExactlyInAnyOrder(200, 503);
    }
  }

  private static void collect(Stream<String> lines, List<String> frames) {
    ObjectMapper json = new ObjectMapper();
    try {
      lines
          .filter(line -> line.startsWith("data: "))
          .forEach(
              line -> {
                try {
                  frames.add(json.readTree(line.substring(6)).get("frameId").asText());
                } catch (JsonProcessingException e) {
                  throw new AssertionError(line, e);
                }
              });
    } catch (UncheckedIOException e) {
      // The service has closed its port.
    }
  }

  private static int status(HttpClient client, String url) {
    try {
      return client
          .send(HttpRequest.newBuilder(URI.create(url)).build(), BodyHandlers.discarding())
          .statusCode();
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Another instance of the same application, in a process that can be killed. */
  private Process otherInstance() throws IOException {
    Path file = folder.resolve("other.properties");
    List<String> lines = new ArrayList<>();
    topics
        .settings(Map.of("state.dir", folder.resolve("other-state").toString()))
        .forEach((key, value) -> lines.add(key + " = " + value));
    Files.write(file, lines);
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx256m",
            "-cp",
            System.getProperty("java.class.path"),
            "io.shelfstream.bench.KilledService",
            file.toString())
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  /** An instance of the same application that fails with its first task, and says: all of us. */
  private KafkaStreams shuttingDownTheApplication() {
    Topology failing =
        new Topology()
            .addSource(
                NodeNames.FRAMES,
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer(),
                config.topics().frames())
            .addProcessor(NodeNames.RECOGNIZE, Failing::new, NodeNames.FRAMES);
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, config.applicationId());
    settings.putAll(config.kafka());
    settings.put(StreamsConfig.STATE_DIR_CONFIG, folder.resolve("other").toString());
    // As ours: the group waits so long for members that died without leaving.
    settings.put(StreamsConfig.consumerPrefix("session.timeout.ms"), 6_000);
    settings.put(StreamsConfig.consumerPrefix("heartbeat.interval.ms"), 1_500);
    KafkaStreams streams = new KafkaStreams(failing, settings);
    streams.setUncaughtExceptionHandler(e -> StreamThreadExceptionResponse.SHUTDOWN_APPLICATION);
    return streams;
  }

  private static final class Failing extends ContextualProcessor<byte[], byte[], Void, Void> {
    @Override
    public void init(ProcessorContext<Void, Void> context) {
      throw new IllegalStateException("provoked by the test");
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      throw new AssertionError("never begun");
    }
  }

  private List<String> producers(Admin admin) {
    try {
      return admin.listTransactions().all().get().stream()
          .map(TransactionListing::transactionalId)
          .filter(id -> id.startsWith(config.applicationId() + "-"))
          .toList();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static boolean exists(Admin admin, String topic) {
    try {
      return admin.listTopics().names().get().contains(topic);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private void publish(int from, int to) {
    try (EventProducer producer = new EventProducer(config)) {
      for (int i = from; i < to; i++) {
        producer.send(
            config.topics().frames(),
            "camera-" + i % 8,
            TestTopics.SERDES.frames(),
            RecognitionEvents.reference(
                "camera-" + i % 8,
                Integer.toString(i),
                Pictures.uri(Pictures.plain(Color.RED)),
                Instant.now()));
      }
    }
  }

  /** Committed events, by their frames. */
  private List<String> answers() {
    List<String> answers = new ArrayList<>();
    String topic = config.topics().recognitions();
    topics
        .records(topic)
        .forEach(
            record ->
                answers.add(
                    TestTopics.SERDES
                        .recognitions()
                        .deserializer()
                        .deserialize(topic, record.value())
                        .getFrameId()));
    return answers;
  }

  private static List<String> frames(int count) {
    return IntStream.range(0, count).mapToObj(Integer::toString).toList();
  }
}
