package io.shelfstream.bench;

import io.shelfstream.client.EventProducer;
import io.shelfstream.client.TopicReader;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryOutcome;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.Embeddings;
import io.shelfstream.gallery.ProductSearch;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.topology.EventSerdes;
import io.shelfstream.topology.RecognitionService;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * How soon a change is searchable in the running program, through a broker in another process: for
 * vector records at a steady rate, and for photos at half the rate that the service can embed.
 */
final class FreshnessThroughKafka {

  private static final int PER_SECOND = 100;

  /** Objects in a frame that are searched for together. */
  private static final int OBJECTS = 6;

  private final ShelfStreamConfig config;
  private final Path photos;
  private final int size;
  private final int seconds;
  private final String extractor;
  private final int dimension;
  private final EventSerdes serdes;
  private final Random random = new Random(1);
  private final List<String> json = new ArrayList<>();
  private final List<String> missed = new ArrayList<>();

  private FreshnessThroughKafka(ShelfStreamConfig config, Path photos, int size, int seconds) {
    this.config = config;
    this.photos = photos;
    this.size = size;
    this.seconds = seconds;
    ModelDirectory models = ModelDirectory.read(config.models().dir());
    this.extractor = models.extractorId();
    this.dimension = models.extractorDimension();
    this.serdes = EventSerdes.of(config.schemaRegistry());
  }

  /** Arguments: broker, folder with photos, photos in the gallery, seconds, KEY=VALUE settings. */
  public static void main(String[] arguments) throws Exception {
    Map<String, String> settings = new HashMap<>();
    settings.put("kafka.bootstrap.servers", arguments[0]);
    settings.put("images.allowed.roots", arguments[1]);
    for (String setting : Arrays.asList(arguments).subList(4, arguments.length)) {
      String[] pair = setting.split("=", 2);
      settings.put(pair[0], pair[1]);
    }
    var bench =
        new FreshnessThroughKafka(
            ShelfStreamConfig.loadWithModels(null, settings),
            Path.of(arguments[1]),
            Integer.parseInt(arguments[2]),
            Integer.parseInt(arguments[3]));
    bench.run();
    System.exit(bench.finish(Path.of(System.getProperty("bench.target"), "freshness.json")));
  }

  private void run() throws Exception {
    // Once, so that the topics are there with the service's own settings.
    RecognitionService.start(config).close();
    fill();
    try (RecognitionService service = RecognitionService.start(config)) {
      ProductSearch gallery = service.gallery();
      note("photos in the gallery", gallery.state().size());
      search(gallery, 3, new AtomicBoolean());
      List<Double> quiet = new ArrayList<>();
      List<Double> updating = new ArrayList<>();
      List<Double> searchable = new ArrayList<>();
      // Spells take turns, so that both see the same machine.
      int spells = Math.max(1, seconds / 10);
      for (int spell = 0; spell < spells; spell++) {
        quiet.addAll(search(gallery, seconds / spells, new AtomicBoolean()));
        AtomicBoolean done = new AtomicBoolean();
        Thread searching =
            new Thread(() -> updating.addAll(search(gallery, 3600, done)), "searching");
        searching.start();
        searchable.addAll(vectors(gallery, seconds / spells));
        done.set(true);
        searching.join();
      }
      note("vector records at " + PER_SECOND + "/s", searchable.size());
      note("vector record to searchable, p50 ms", quantile(searchable, 0.5));
      atMost("vector record to searchable, p99 ms", quantile(searchable, 0.99), 50);
      note("quiet search of 6, p50 ms", quantile(quiet, 0.5));
      note("updating search of 6, p50 ms", quantile(updating, 0.5));
      note("quiet search of 6, p99 ms", quantile(quiet, 0.99));
      note("updating search of 6, p99 ms", quantile(updating, 0.99));
      double ratio = quantile(updating, 0.99) / quantile(quiet, 0.99);
      atMost("search p99, updating / quiet", ratio, 2);
      photos();
    }
  }

  private void fill() {
    try (KafkaProducer<byte[], byte[]> producer = producer(Map.of("linger.ms", 50))) {
      for (int i = 0; i < size; i++) {
        producer.send(record("photo-" + i));
      }
    }
  }

  private KafkaProducer<byte[], byte[]> producer(Map<String, Object> more) {
    Map<String, Object> settings = new HashMap<>(config.kafka());
    settings.putAll(more);
    return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
  }

  private ProducerRecord<byte[], byte[]> record(String id) {
    GalleryVector vector =
        GalleryVector.newBuilder()
            .setGalleryImageId(id)
            .setProductId("product of " + id)
            .setLabel("label")
            .setEmbedding(Embeddings.encode(embedding()))
            .setDimension(dimension)
            .setExtractor(extractor)
            .setSourceOffset(0)
            .build();
    String topic = config.topics().galleryVectors();
    return new ProducerRecord<>(
        topic,
        id.getBytes(StandardCharsets.UTF_8),
        serdes.vectors().serializer().serialize(topic, vector));
  }

  private float[] embedding() {
    float[] values = new float[dimension];
    for (int i = 0; i < dimension; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Embeddings.unit(values);
  }

  /** Milliseconds of each search. */
  private List<Double> search(ProductSearch gallery, int seconds, AtomicBoolean done) {
    Random queries = new Random(7);
    List<Double> times = new ArrayList<>();
    long end = System.nanoTime() + seconds * 1_000_000_000L;
    while (!done.get() && System.nanoTime() < end) {
      List<float[]> batch = new ArrayList<>();
      for (int i = 0; i < OBJECTS; i++) {
        float[] query = new float[dimension];
        for (int j = 0; j < dimension; j++) {
          query[j] = (float) queries.nextGaussian();
        }
        batch.add(Embeddings.unit(query));
      }
      long start = System.nanoTime();
      gallery.search(batch, 10);
      times.add((System.nanoTime() - start) / 1e6);
    }
    return times;
  }

  /** Milliseconds from the moment each record was due until the gallery's version covers it. */
  private List<Double> vectors(ProductSearch gallery, int seconds) throws Exception {
    Map<Integer, ConcurrentSkipListMap<Long, Long>> due = new HashMap<>();
    try (KafkaProducer<byte[], byte[]> producer = producer(Map.of("linger.ms", 0))) {
      producer
          .partitionsFor(config.topics().galleryVectors())
          .forEach(p -> due.put(p.partition(), new ConcurrentSkipListMap<>()));
      AtomicBoolean allSent = new AtomicBoolean();
      List<Double> times = new ArrayList<>();
      Thread watching = new Thread(() -> watch(gallery, due, allSent, times), "watching");
      watching.start();
      long start = System.nanoTime();
      for (int i = 0; i < PER_SECOND * seconds; i++) {
        long at = start + i * 1_000_000_000L / PER_SECOND;
        ProducerRecord<byte[], byte[]> record = record("photo-" + random.nextInt(size));
        LockSupport.parkNanos(Math.max(0, at - System.nanoTime()));
        producer.send(
            record,
            (sent, failure) -> {
              if (failure == null) {
                due.get(sent.partition()).put(sent.offset(), at);
              } else {
                failure.printStackTrace();
              }
            });
      }
      producer.flush();
      allSent.set(true);
      watching.join();
      return times;
    }
  }

  private static void watch(
      ProductSearch gallery,
      Map<Integer, ConcurrentSkipListMap<Long, Long>> due,
      AtomicBoolean allSent,
      List<Double> times) {
    // An acknowledgement may come after the record is searchable: the time is taken first.
    long end = Long.MAX_VALUE;
    while (System.nanoTime() < end) {
      boolean last = allSent.get();
      Map<Integer, Long> versions = gallery.state().versions();
      long now = System.nanoTime();
      due.forEach(
          (partition, offsets) -> {
            var applied = offsets.headMap(versions.getOrDefault(partition, 0L));
            applied.values().forEach(at -> times.add((now - at) / 1e6));
            applied.clear();
          });
      if (last && due.values().stream().allMatch(Map::isEmpty)) {
        return;
      }
      if (last && end == Long.MAX_VALUE) {
        end = now + 10_000_000_000L;
      }
      LockSupport.parkNanos(200_000);
    }
    throw new IllegalStateException("records were not searchable within 10 s of the last one");
  }

  /** Photos at full speed for the rate, then at half of it for the times. */
  private void photos() throws IOException {
    List<Path> files;
    try (Stream<Path> below = Files.walk(photos)) {
      files = below.filter(f -> f.toString().matches(".*\\.(jpe?g|png)")).sorted().toList();
    }
    publish(files, 50, 1e9, "warm"); // one after the other as fast as it goes
    long start = System.nanoTime();
    int burst = 200;
    publish(files, burst, 1e9, "burst");
    double rate = burst / ((System.nanoTime() - start) / 1e9);
    note("photos a second at full speed", rate);
    List<GalleryStatus> answers = publish(files, (int) (rate / 2 * seconds), rate / 2, "steady");
    note("photos at half of that", answers.size());
    List<Double> searchable = new ArrayList<>();
    List<Double> embedded = new ArrayList<>();
    for (GalleryStatus answer : answers) {
      embedded.add((double) between(answer.getPublishedAt(), answer.getEmbeddedAt()));
      searchable.add(
          (double)
              between(
                  answer.getPublishedAt(),
                  java.util.Objects.requireNonNull(answer.getSearchableAt())));
    }
    note("photo published to embedded, p50 ms", quantile(embedded, 0.5));
    note("photo published to embedded, p99 ms", quantile(embedded, 0.99));
    note("photo published to searchable, p50 ms", quantile(searchable, 0.5));
    note("photo published to searchable, p99 ms", quantile(searchable, 0.99));
    atMost(
        "photo to searchable less to embedded, p99 ms",
        quantile(searchable, 0.99) - quantile(embedded, 0.99),
        50);
  }

  private static long between(java.time.Instant from, java.time.Instant to) {
    return Duration.between(from, to).toMillis();
  }

  /** Publishes photos at a rate and waits until all are searchable. */
  private List<GalleryStatus> publish(List<Path> files, int count, double rate, String name) {
    List<GalleryStatus> answers = new ArrayList<>();
    try (TopicReader statuses =
            new TopicReader(config, TopicReader.From.END, config.topics().galleryStatus());
        EventProducer producer = new EventProducer(config)) {
      int sent = 0;
      long start = System.nanoTime();
      long lastAnswer = start;
      while (answers.size() < count) {
        while (sent < count && System.nanoTime() - start >= sent * 1e9 / rate) {
          String id = name + "-" + sent;
          GalleryUpdate update =
              GalleryUpdate.newBuilder()
                  .setGalleryImageId(id)
                  .setProductId("product " + sent % files.size())
                  .setLabel(name)
                  .setUri(files.get(sent % files.size()).toUri().toString())
                  .build();
          producer.send(config.topics().galleryUpdates(), id, producer.serdes().updates(), update);
          sent++;
        }
        for (ConsumerRecord<byte[], byte[]> record : statuses.poll(Duration.ofMillis(1))) {
          GalleryStatus status =
              serdes.statuses().deserializer().deserialize(record.topic(), record.value());
          if (status.getOutcome() == GalleryOutcome.REJECTED) {
            throw new IllegalStateException(status.getMessage());
          }
          if (status.getOutcome() == GalleryOutcome.SEARCHABLE
              && status.getGalleryImageId().startsWith(name + "-")) {
            answers.add(status);
            lastAnswer = System.nanoTime();
          }
        }
        if (System.nanoTime() - lastAnswer > 30e9) {
          throw new IllegalStateException(
              "%d of %d photos searchable, and no more for 30 s".formatted(answers.size(), count));
        }
      }
    }
    return answers;
  }

  private static double quantile(List<Double> values, double share) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return sorted[(int) Math.min(sorted.length - 1L, Math.round(share * sorted.length))];
  }

  private void note(String figure, double value) {
    add(figure, value, "");
  }

  private void atMost(String figure, double value, double most) {
    add(figure, value, value <= most ? "<= " + most + "  met" : "<= " + most + "  MISSED");
    if (value > most) {
      missed.add("%s %.3f, goal <= %s".formatted(figure, value, most));
    }
  }

  private void add(String figure, double value, String verdict) {
    System.out.printf(Locale.ROOT, "freshness    %-58s %12.3f  %s%n", figure, value, verdict);
    json.add(
        String.format(
            Locale.ROOT,
            "{\"figure\": \"%s\", \"value\": %.3f, \"goal\": \"%s\"}",
            figure,
            value,
            verdict));
  }

  private int finish(Path file) throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    Files.writeString(file, "[\n  " + String.join(",\n  ", json) + "\n]\n");
    System.out.println("figures: " + file);
    missed.forEach(goal -> System.err.println("bench freshness: missed goal: " + goal));
    return missed.isEmpty() ? 0 : 1;
  }
}
