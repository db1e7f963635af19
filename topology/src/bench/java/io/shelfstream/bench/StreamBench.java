package io.shelfstream.bench;

import com.sun.management.OperatingSystemMXBean;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.shelfstream.broker.Topics;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.ImageReference;
import io.shelfstream.registry.AvroSerde;
import io.shelfstream.registry.SchemaRegistryClient;
import io.shelfstream.registry.SchemaRegistryConfig;
import io.shelfstream.topology.BenchApplications;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Main class of {@code deploy/bench stream}: records per second of the service without its models,
 * beside a topology that only copies, both with the same settings on the same broker.
 */
final class StreamBench {
  private static final int PARTITIONS = 4;
  private static final int CAMERAS = 32;
  private static final String FRAMES = "bench.frames";

  private final int rounds;
  private final int records;
  private final String bootstrap;
  private int runs;
  private volatile long slowestScrape;
  private volatile int scrapeBytes;

  private StreamBench(boolean quick, String bootstrap) {
    this.rounds = quick ? 3 : 7;
    this.records = quick ? 50_000 : 200_000;
    this.bootstrap = bootstrap;
  }

  public static void main(String[] arguments) throws Exception {
    Path target = Files.createDirectories(Path.of(System.getProperty("bench.target")));
    Path data = Files.createTempDirectory(target, "stream-");
    Results results = new Results("stream");
    try (Program broker = Program.broker(data, target.resolve("stream-broker.log"))) {
      boolean quick = List.of(arguments).contains("--quick");
      StreamBench bench = new StreamBench(quick, broker.line());
      if (List.of(arguments).contains("--metrics")) {
        bench.runMetrics(results);
      } else {
        bench.run(results);
      }
    } finally {
      Folders.delete(data);
    }
    System.exit(results.finish(target.resolve("stream.json")));
  }

  private void run(Results results) throws Exception {
    publish();
    for (String guarantee : List.of("exactly_once_v2", "at_least_once")) {
      List<Double> copies = new ArrayList<>();
      List<Double> plain = new ArrayList<>();
      List<Double> ours = new ArrayList<>();
      for (int round = 0; round <= rounds; round++) {
        double copied = measure(guarantee, BenchApplications::copy);
        double passed = measure(guarantee, BenchApplications::passThrough);
        double recognised = measure(guarantee, StreamBench::recognition);
        System.err.printf(
            "%s round %d: bytes copied %.0f/s, passed through %.0f/s, recognised %.0f/s%s%n",
            guarantee, round, copied, passed, recognised, round == 0 ? " (warming up)" : "");
        if (round > 0) {
          copies.add(copied);
          plain.add(passed);
          ours.add(recognised);
        }
      }
      double recognised = median(ours);
      results.note(guarantee, "byte copy, records/s", median(copies));
      results.note(guarantee, "pass-through of the same records, records/s", median(plain));
      results.atLeast(guarantee, "recognition without models, records/s", recognised, 5000);
      results.atLeast(guarantee, "of the pass-through", ratio(ours, plain), 0.5);
      results.note(guarantee, "of the byte copy", ratio(ours, copies));
    }
  }

  /** The same application with its metrics, read each second, and without any, in turns. */
  private void runMetrics(Results results) throws Exception {
    publish();
    for (String guarantee : List.of("exactly_once_v2", "at_least_once")) {
      List<Double> speeds = new ArrayList<>();
      List<Double> costs = new ArrayList<>();
      for (int round = 0; round <= 2 * rounds; round++) {
        Measured without = null;
        Measured with = null;
        for (boolean metrics : List.of(round % 2 == 0, round % 2 != 0)) {
          double cpu = cpuSeconds();
          double speed = measure(guarantee, metrics ? this::measured : StreamBench::recognition);
          Measured measured = new Measured(speed, (cpuSeconds() - cpu) / records * 1e6);
          with = metrics ? measured : with;
          without = metrics ? without : measured;
        }
        System.err.printf("%s round %d: with %s, without %s%n", guarantee, round, with, without);
        if (round > 0) { // after one to warm up
          speeds.add(with.perSecond / without.perSecond);
          costs.add(with.micros / without.micros);
        }
      }
      results.atLeast(guarantee, "records/s with metrics / without", median(speeds), 0.99);
      results.atMost(guarantee, "CPU of a record with metrics / without", median(costs), 1.01);
      results.note(guarantee, "most time of a scrape, ms", slowestScrape / 1e6);
      results.note(guarantee, "bytes of a scrape", scrapeBytes);
    }
  }

  /**
   * A run.
   *
   * @param micros CPU time of this process for a record, the reading of answers included
   */
  private record Measured(double perSecond, double micros) {
    @Override
    public String toString() {
      return "%.0f/s, %.1f us of CPU a record".formatted(perSecond, micros);
    }
  }

  private static double cpuSeconds() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
            .getProcessCpuTime()
        / 1e9;
  }

  private BenchApplications.Running measured(ShelfStreamConfig config) {
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    BenchApplications.Running running =
        BenchApplications.recognition(
            config,
            registry,
            frame -> CompletableFuture.completedFuture(BenchApplications.nothing()),
            () -> System.exit(1));
    ScheduledExecutorService scrapes = Executors.newSingleThreadScheduledExecutor();
    scrapes.scheduleAtFixedRate(
        () -> {
          long start = System.nanoTime();
          scrapeBytes = registry.scrape().length();
          slowestScrape = Math.max(slowestScrape, System.nanoTime() - start);
        },
        1,
        1,
        TimeUnit.SECONDS);
    return () -> {
      scrapes.shutdownNow();
      running.close();
    };
  }

  private static BenchApplications.Running recognition(ShelfStreamConfig config) {
    return BenchApplications.recognition(
        config,
        frame -> CompletableFuture.completedFuture(BenchApplications.nothing()),
        () -> System.exit(1));
  }

  /** Median of the rounds' ratios: what else the machine does weighs on both of a round. */
  private static double ratio(List<Double> ours, List<Double> theirs) {
    List<Double> ratios = new ArrayList<>();
    for (int i = 0; i < ours.size(); i++) {
      ratios.add(ours.get(i) / theirs.get(i));
    }
    return median(ratios);
  }

  private interface Starter {
    BenchApplications.Running start(ShelfStreamConfig config);
  }

  private double measure(String guarantee, Starter starter) throws Exception {
    ShelfStreamConfig config = config(guarantee);
    Topics.create(config, PARTITIONS, (short) 1);
    try (BenchApplications.Running running = starter.start(config);
        KafkaConsumer<byte[], byte[]> answers = consumer(config.topics().recognitions())) {
      long first = 0;
      int before = 0;
      int seen = 0;
      long last = 0;
      while (seen < records) {
        int polled = answers.poll(Duration.ofSeconds(30)).count();
        if (polled == 0) {
          throw new IllegalStateException("nothing came for 30 s, after " + seen + " records");
        }
        seen += polled;
        last = System.nanoTime();
        if (first == 0) {
          first = last;
          before = seen;
        }
      }
      return (seen - before) / ((last - first) / 1e9);
    }
  }

  private ShelfStreamConfig config(String guarantee) {
    String run = "bench" + runs++;
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("kafka.bootstrap.servers", bootstrap);
    settings.put("application.id", run);
    settings.put("delivery.guarantee", guarantee);
    settings.put("topics.frames", FRAMES);
    settings.put("topics.recognitions", run + ".recognitions");
    return ShelfStreamConfig.load(null, settings);
  }

  private KafkaConsumer<byte[], byte[]> consumer(String topic) {
    ByteArrayDeserializer bytes = new ByteArrayDeserializer();
    KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of(
                "bootstrap.servers",
                bootstrap,
                "isolation.level",
                "read_committed",
                "auto.offset.reset",
                "earliest",
                "max.poll.records",
                10_000),
            bytes,
            bytes);
    List<TopicPartition> partitions = new ArrayList<>();
    for (int i = 0; i < PARTITIONS; i++) {
      partitions.add(new TopicPartition(topic, i));
    }
    consumer.assign(partitions);
    return consumer;
  }

  private void publish() {
    Topics.create(config("exactly_once_v2"), PARTITIONS, (short) 1);
    var serializer =
        AvroSerde.of(
                ImageReference.class,
                SchemaRegistryClient.create("mock://shelfstream"),
                SchemaRegistryConfig.of(Map.of()))
            .serializer();
    ByteArraySerializer bytes = new ByteArraySerializer();
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", bootstrap, "linger.ms", 20, "batch.size", 200_000),
            bytes,
            bytes)) {
      for (int i = 0; i < records; i++) {
        String camera = "camera-" + i % CAMERAS;
        ImageReference frame =
            ImageReference.newBuilder()
                .setCameraId(camera)
                .setFrameId(Integer.toString(i))
                .setUri("file:///frames/" + camera + "/" + i + ".jpg")
                .setCapturedAt(Instant.EPOCH.plusMillis(i))
                .build();
        producer.send(
            new ProducerRecord<>(
                FRAMES,
                i % PARTITIONS,
                camera.getBytes(StandardCharsets.UTF_8),
                serializer.serialize(FRAMES, frame)));
      }
    }
  }

  private static double median(List<Double> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }
}
