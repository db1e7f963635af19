package io.shelfstream.topology;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.broker.Topics;
import io.shelfstream.metrics.KafkaMetric;
import io.shelfstream.metrics.Metric;
import io.shelfstream.recognition.Pictures;
import java.awt.Color;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Metrics of a service on a real broker: lag, gallery updates, Kafka's own. */
@ExtendWith(SharedBroker.class)
class MetricsIT {
  /** Records of one poll, which then ends just before the mark of a transaction. */
  private static final int POLL = 32;

  /** Bytes of a scrape with two stream threads and a gallery; Prometheus takes any size. */
  private static final int SCRAPE = 100_000;

  @TempDir Path folder;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private TestTopics topics;

  @BeforeEach
  void configure(EmbeddedBroker broker, TestInfo test) {
    topics = new TestTopics(broker.bootstrapServers(), folder, test);
  }

  private RecognitionService start(Map<String, String> more) {
    Map<String, String> settings = new java.util.HashMap<>(more);
    settings.put("http.port", "0");
    return RecognitionService.start(topics.config(settings));
  }

  private String scrape(RecognitionService service) {
    try {
      return client
          .send(
              HttpRequest.newBuilder(
                      URI.create(
                          "http://127.0.0.1:%d/metrics"
                              .formatted(service.httpPort().orElseThrow())))
                  .build(),
              BodyHandlers.ofString())
          .body();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  /** The sum of the rows that have this text in their labels; NaN when there is none. */
  private static double value(String scrape, String name, String labels) {
    Matcher line =
        Pattern.compile("^" + name + "(\\{.*})? (\\S+)$", Pattern.MULTILINE).matcher(scrape);
    double sum = Double.NaN;
    while (line.find()) {
      if (String.valueOf(line.group(1)).contains(labels)) {
        double row = Double.parseDouble(line.group(2));
        sum = Double.isNaN(sum) ? row : sum + row;
      }
    }
    return sum;
  }

  private double value(RecognitionService service, Metric metric, String labels) {
    return value(scrape(service), metric.prometheusName(), labels);
  }

  private void frames(KafkaProducer<String, byte[]> producer, int count) throws Exception {
    for (int i = 0; i < count; i++) {
      producer.send(new ProducerRecord<>(topics.names().frames(), 0, "c", "no".getBytes(UTF_8)));
    }
  }

  @Test
  void theLagOfATopicThatIsAnsweredIsZeroWhateverItsTransactionsLeaveBehind() throws Exception {
    Topics.create(topics.config(Map.of()), 2, (short) 1);
    String ofFrames = "topic=\"" + topics.names().frames() + "\"";
    try (KafkaProducer<String, byte[]> producer = topics.producer("camera")) {
      producer.initTransactions();
      producer.beginTransaction();
      frames(producer, POLL);
      producer.commitTransaction();
      try (RecognitionService service = start(Map.of())) {
        TestTopics.until(() -> value(service, Metric.FRAMES_DEAD_LETTERED, "") == POLL);
        TestTopics.until(() -> value(service, Metric.LAG_RECORDS, ofFrames) == 0);

        producer.beginTransaction();
        frames(producer, POLL);
        producer.abortTransaction();
        Thread.sleep(6_000); // a look at the end of the topic comes between
        TestTopics.until(() -> value(service, Metric.LAG_RECORDS, ofFrames) == 0);
        assertThat(value(service, Metric.LAG, ofFrames)).isZero();
        assertThat(scrape(service))
            .contains("partition=\"0\"," + ofFrames, "partition=\"1\"," + ofFrames);
      }
      // Started again, nothing of what it committed tells of the records that were aborted.
      try (RecognitionService again = start(Map.of())) {
        TestTopics.until(() -> value(again, Metric.LAG_RECORDS, ofFrames) == 0);
        assertThat(value(again, Metric.LAG, ofFrames)).isZero();
      }
    }
  }

  @Test
  void theLagGrowsWhileAnImageDoesNotCome() throws Exception {
    CountDownLatch come = new CountDownLatch(1);
    HttpServer images =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    images.setExecutor(Executors.newCachedThreadPool());
    images.createContext(
        "/",
        exchange -> {
          try {
            come.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          byte[] picture = Pictures.plain(Color.RED);
          exchange.sendResponseHeaders(200, picture.length);
          exchange.getResponseBody().write(picture);
          exchange.close();
        });
    images.start();
    String ofFrames = "topic=\"" + topics.names().frames() + "\"";
    try (RecognitionService service =
        start(
            Map.of(
                "images.allowed.hosts", "127.0.0.1",
                "images.allow.private.addresses", "true",
                "images.read.timeout", "60s"))) {
      topics.publish("http://127.0.0.1:" + images.getAddress().getPort() + "/red.png", 5);
      TestTopics.until(() -> value(service, Metric.LAG_RECORDS, ofFrames) == 5);
      TestTopics.until(() -> value(service, Metric.LAG, ofFrames) > 3);
      assertThat(value(service, Metric.FRAMES_IN_HAND, "")).isEqualTo(5);
      come.countDown();
      TestTopics.until(() -> value(service, Metric.LAG_RECORDS, ofFrames) == 0);
      assertThat(value(service, Metric.LAG, ofFrames)).isZero();
      assertThat(value(service, Metric.FRAMES_RECOGNIZED, "status=\"ok\"")).isEqualTo(5);
    } finally {
      come.countDown();
      images.stop(0);
    }
  }

  @Test
  void galleryUpdatesAreCountedAndTimed() throws Exception {
    try (RecognitionService service = start(Map.of())) {
      topics.update(TestTopics.photos(3));
      TestTopics.awaitSize(service, 3);
      topics.update(java.util.Collections.singletonMap("photo-1", null));
      TestTopics.awaitSize(service, 2);
      try (KafkaProducer<String, byte[]> producer = topics.producer(null)) {
        producer.send(
            new ProducerRecord<>(topics.names().galleryUpdates(), "x", "no".getBytes(UTF_8)));
      }
      String rejected = "outcome=\"rejected\",reason=\"UNDECODABLE_RECORD\"";
      TestTopics.until(() -> value(service, Metric.GALLERY_UPDATES, rejected) == 1);
      TestTopics.until(
          () ->
              value(scrape(service), "shelfstream_gallery_searchable_time_seconds_count", "") == 4);

      assertThat(value(service, Metric.GALLERY_UPDATES, "outcome=\"applied\"")).isEqualTo(3);
      assertThat(value(service, Metric.GALLERY_UPDATES, "outcome=\"removed\"")).isEqualTo(1);
      assertThat(value(service, Metric.GALLERY_UPDATES, "outcome=\"rejected\"")).isEqualTo(1);
      assertThat(value(service, Metric.GALLERY_MEMORY, ""))
          .as("3 vectors of 3 floats")
          .isEqualTo(36);
      String scrape = scrape(service);
      assertThat(value(scrape, "shelfstream_batch_size_count", "extractor")).isEqualTo(3);
      assertThat(value(scrape, "process_resident_memory_bytes", "")).isGreaterThan(50e6);
    }
  }

  @Test
  void seriesDoNotPileUpWhenThreadsAndClientsAreReplaced() throws Exception {
    try (RecognitionService service = start(Map.of());
        Admin admin = topics.admin()) {
      topics.update(Map.of("red", Color.RED));
      TestTopics.awaitSize(service, 1);
      topics.recognize(Color.RED);
      TestTopics.until(() -> series(scrape(service)).stream().anyMatch(s -> s.contains("lag")));
      TestTopics.until(() -> names(scrape(service)).containsAll(ofKafka()));
      String first = scrape(service);

      for (int i = 0; i < 3; i++) {
        breakFollower(service, admin);
        var producers =
            admin.listTransactions().all().get().stream()
                .map(t -> t.transactionalId())
                .filter(id -> id.startsWith(topics.config(Map.of()).applicationId() + "-"))
                .toList();
        admin.fenceProducers(producers).all().get();
        topics.recognize(Color.RED);
        topics.update(Map.of("red", Color.RED));
        TestTopics.awaitSize(service, 1);
      }
      TestTopics.until(service::isReady);
      TestTopics.until(() -> names(scrape(service)).containsAll(ofKafka()));
      String last = scrape(service);
      assertThat(value(last, Metric.REBUILDS.prometheusName(), "")).isGreaterThanOrEqualTo(3);
      // Other garbage collections and reasons may have come; nothing of Kafka's or of partitions.
      assertThat(partsOf(last)).isEqualTo(partsOf(first));
      assertThat(last.length()).isLessThan(SCRAPE);
      System.out.printf(
          "A scrape has %d bytes in %d series, %d of them Kafka's%n",
          last.length(),
          series(last).size(),
          series(last).stream().filter(s -> s.startsWith("kafka_")).count());
    }
  }

  /** Kafka Streams makes its figures of dropped and set-aside records when there are tasks. */
  private static Set<String> ofKafka() {
    Set<String> names = new TreeSet<>();
    for (KafkaMetric metric : KafkaMetric.values()) {
      names.add(metric.prometheusName());
    }
    return names;
  }

  private static Set<String> names(String scrape) {
    Set<String> names = new TreeSet<>();
    series(scrape).forEach(s -> names.add(s.replaceAll("\\{.*", "")));
    return names;
  }

  private static Set<String> partsOf(String scrape) {
    Set<String> parts = new TreeSet<>();
    for (String series : series(scrape)) {
      // Averages of the last half minute are there only when there was something.
      if ((series.startsWith("kafka_") && !series.contains("_latency_"))
          || series.startsWith("shelfstream_lag")) {
        parts.add(series);
      }
    }
    return parts;
  }

  private static Set<String> series(String scrape) {
    Set<String> series = new TreeSet<>();
    scrape
        .lines()
        .filter(line -> !line.startsWith("#"))
        .forEach(line -> series.add(line.substring(0, line.lastIndexOf(' '))));
    return series;
  }

  private void breakFollower(RecognitionService service, Admin admin) throws Exception {
    String vectors = topics.names().galleryVectors();
    admin.deleteTopics(Set.of(vectors)).all().get();
    TestTopics.until(
        () -> {
          try {
            return !admin.listTopics().names().get().contains(vectors);
          } catch (Exception e) {
            throw new AssertionError(e);
          }
        });
    Topics.create(topics.config(Map.of()), 1, (short) 1);
    TestTopics.until(() -> !service.isReady());
    TestTopics.until(service::isReady);
  }

  @Test
  void aScrapeAnswersAtOnceAlsoWhenTheBrokerDoesNot() throws Exception {
    try (EmbeddedBroker broker = EmbeddedBroker.start(folder.resolve("broker"));
        RecognitionService service =
            RecognitionService.start(
                topics.on(broker.bootstrapServers()).config(Map.of("http.port", "0")))) {
      TestTopics.until(() -> !Double.isNaN(value(service, Metric.LAG_RECORDS, "")));
      broker.close();
      for (int i = 0; i < 8; i++) {
        long start = System.nanoTime();
        assertThat(scrape(service)).contains(Metric.LAG_RECORDS.prometheusName());
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(2));
        Thread.sleep(1000);
      }
    }
  }
}
