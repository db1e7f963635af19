package io.shelfstream.bench;

import com.sun.management.OperatingSystemMXBean;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.shelfstream.broker.Topics;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.metrics.FrameMetrics;
import io.shelfstream.metrics.ServiceMetrics;
import io.shelfstream.registry.AvroSerde;
import io.shelfstream.registry.SchemaRegistryClient;
import io.shelfstream.registry.SchemaRegistryConfig;
import io.shelfstream.topology.BenchApplications;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
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
  private final List<Double> scrapes = new CopyOnWriteArrayList<>(); // us of CPU
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
      List<Double> without = new ArrayList<>();
      List<Double> speed = new ArrayList<>();
      for (int round = 0; round <= 2 * rounds; round++) {
        Measured off = null;
        Measured on = null;
        for (boolean metrics : List.of(round % 2 == 0, round % 2 != 0)) {
          Measured measured =
              measure(guarantee, metrics ? this::measured : StreamBench::recognition, records / 4);
          on = metrics ? measured : on;
          off = metrics ? off : measured;
        }
        System.err.printf("%s round %d: with %s, without %s%n", guarantee, round, on, off);
        if (round > 0) { // after one to warm up
          without.add(off.micros);
          speed.add(off.perSecond);
          speeds.add(on.perSecond / off.perSecond);
          costs.add(on.micros / off.micros);
        }
      }
      double micros = median(without);
      double counting = countingMicros();
      double scraping = median(scrapes) / median(speed);
      results.note(guarantee, "records/s with metrics / without", median(speeds));
      results.note(guarantee, "CPU of a record with metrics / without", median(costs));
      results.note(guarantee, "CPU of a record without metrics, us", micros);
      results.note(guarantee, "CPU of counting a record, us", counting);
      results.note(guarantee, "CPU of a scrape, ms", median(scrapes) / 1e3);
      results.note(guarantee, "bytes of a scrape", scrapeBytes);
      results.atMost(
          guarantee,
          "counting and a scrape a second / without",
          (counting + scraping) / micros,
          0.01);
    }
  }

  /**
   * A run.
   *
   * @param micros CPU time of this process for a record, the reading of answers included; without
   *     the start of the application
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

  private static long threadNanos() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  /** What a frame costs that is counted as it is in the service, in us. */
  private static double countingMicros() {
    FrameMetrics metrics =
        new FrameMetrics(new ServiceMetrics(new PrometheusMeterRegistry(PrometheusConfig.DEFAULT)));
    RecognitionEvents events = new RecognitionEvents("shelf", Clock.systemUTC());
    ImageReference frame =
        RecognitionEvents.reference("c", "1", "file:///frames/c/1.jpg", Instant.now());
    RecognitionEvent event = events.of(frame, BenchApplications.nothing(), 0);
    List<Double> micros = new ArrayList<>();
    int times = 20_000;
    for (int round = 0; round < 20; round++) {
      long start = threadNanos();
      for (int i = 0; i < times; i++) {
        metrics.taken();
        metrics.recognized(event, Instant.EPOCH);
      }
      micros.add((threadNanos() - start) / 1e3 / times);
    }
    return median(micros.subList(10, 20)); // the first half warms up
  }

  private BenchApplications.Running measured(ShelfStreamConfig config) {
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    BenchApplications.Running running =
        BenchApplications.recognition(
            config,
            registry,
            frame -> CompletableFuture.completedFuture(BenchApplications.nothing()),
            () -> System.exit(1));
    ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    timer.scheduleAtFixedRate(
        () -> {
          long start = threadNanos();
          scrapeBytes = registry.scrape().length();
          scrapes.add((threadNanos() - start) / 1e3);
        },
        1,
        1,
        TimeUnit.SECONDS);
    return () -> {
      timer.shutdownNow();
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
    return measure(guarantee, starter, 0).perSecond();
  }

  /**
   * @param warmUp records that are not counted
   */
  private Measured measure(String guarantee, Starter starter, int warmUp) throws Exception {
    ShelfStreamConfig config = config(guarantee);
    Topics.create(config, PARTITIONS, (short) 1);
    try (BenchApplications.Running running = starter.start(config);
        KafkaConsumer<byte[], byte[]> answers = consumer(config.topics().recognitions())) {
      long first = 0;
      int before = 0;
      int seen = 0;
      long last = 0;
      double cpu = 0;
      while (seen < records) {
        int polled = answers.poll(Duration.ofSeconds(30)).count();
        if (polled == 0) {
          throw new IllegalStateException("nothing came for 30 s, after " + seen + " records");
        }
        seen += polled;
        last = System.nanoTime();
        if (first == 0 && seen > warmUp) {
          cpu = cpuSeconds();
          first = last;
          before = seen;
        }
      }
      int counted = seen - before;
      return new Measured(counted / ((last - first) / 1e9), (cpuSeconds() - cpu) / counted * 1e6);
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
