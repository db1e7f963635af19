package io.shelfstream.bench;

import io.shelfstream.client.TopicReader;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryOutcome;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.Embeddings;
import io.shelfstream.gallery.ProductSearch;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.topology.RecognitionService;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * How soon a change is searchable in the running program, through a broker in another process, hop
 * by hop and with searches running all the while: vector records at a steady rate, and photos at
 * half the rate that the service can embed. All times count from the moment a record was due, so
 * that a publisher that is held up hides nothing.
 */
final class FreshnessThroughKafka {
  private static final String BENCH = "freshness";
  private static final double VECTORS_PER_SECOND = 100;

  /** Objects in a frame that are searched for together. */
  private static final int OBJECTS = 6;

  /** Of vectors; between them the gallery is searched and nothing else, half as long. */
  private static final int SPELL_SECONDS = 10;

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final ShelfStreamConfig config;
  private final Path photos;
  private final int size;
  private final int seconds;
  private final String extractor;
  private final int dimension;
  private final EventSerdes serdes;
  private final Random random = new Random(1);
  private final Results results = new Results(BENCH);

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
    Map<String, String> settings = new HashMap<>(Hops.settings());
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
    Path file = Path.of(System.getProperty("bench.target"), BENCH + ".json");
    System.exit(bench.results.finish(file));
  }

  private void run() throws Exception {
    // Once, so that the topics are there with the service's own settings.
    RecognitionService.start(config).close();
    double start = Hops.now();
    fill();
    progress("%d vectors published in %.0f s", size, (Hops.now() - start) / 1e3);
    try (RecognitionService service = RecognitionService.start(config)) {
      ProductSearch gallery = service.gallery();
      note("photos in the gallery", gallery.state().size());
      try (Searcher warm = new Searcher(gallery)) {
        warm.forSeconds(3);
      }
      vectors(gallery);
      photos(gallery);
    }
  }

  private static void progress(String message, Object... values) {
    System.err.println("bench " + BENCH + ": " + message.formatted(values));
  }

  private void fill() {
    try (KafkaProducer<byte[], byte[]> producer = producer(Map.of("linger.ms", 50))) {
      for (int i = 0; i < size; i++) {
        producer.send(vector("photo-" + i));
      }
    }
  }

  private KafkaProducer<byte[], byte[]> producer(Map<String, Object> more) {
    Map<String, Object> settings = new HashMap<>(config.kafka());
    settings.putAll(more);
    return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
  }

  private ProducerRecord<byte[], byte[]> vector(String id) {
    GalleryVector vector =
        GalleryVector.newBuilder()
            .setGalleryImageId(id)
            .setProductId("product of " + id)
            .setLabel("label")
            .setEmbedding(Embeddings.encode(gaussian(random)))
            .setDimension(dimension)
            .setExtractor(extractor)
            .setSourceOffset(0)
            .build();
    String topic = config.topics().galleryVectors();
    byte[] value = serdes.vectors().serializer().serialize(topic, vector);
    return new ProducerRecord<>(topic, id.getBytes(StandardCharsets.UTF_8), value);
  }

  private float[] gaussian(Random from) {
    float[] values = new float[dimension];
    for (int i = 0; i < dimension; i++) {
      values[i] = (float) from.nextGaussian();
    }
    return Embeddings.unit(values);
  }

  /** Searches for the objects of one frame after the other until it is closed. */
  private final class Searcher implements AutoCloseable {
    private final List<Double> times = new ArrayList<>();
    private final AtomicBoolean done = new AtomicBoolean();
    private final Thread thread;

    Searcher(ProductSearch gallery) {
      Random queries = new Random(7);
      thread =
          new Thread(
              () -> {
                while (!done.get()) {
                  List<float[]> batch =
                      Stream.generate(() -> gaussian(queries)).limit(OBJECTS).toList();
                  long start = System.nanoTime();
                  gallery.search(batch, 10);
                  times.add((System.nanoTime() - start) / 1e6);
                }
              },
              "searching");
      thread.start();
    }

    List<Double> forSeconds(double seconds) throws InterruptedException {
      Thread.sleep((long) (seconds * 1e3));
      return stop();
    }

    /** Milliseconds of each search. */
    List<Double> stop() throws InterruptedException {
      done.set(true);
      thread.join();
      return times;
    }

    @Override
    public void close() {
      done.set(true);
    }
  }

  /**
   * Sends records at a steady rate, whatever becomes of those before.
   *
   * @return when each was due, by its key
   */
  private Map<String, Sent> send(
      IntFunction<ProducerRecord<byte[], byte[]>> records, int count, double perSecond)
      throws ExecutionException, InterruptedException {
    Map<String, Sent> sent = new ConcurrentHashMap<>();
    try (KafkaProducer<byte[], byte[]> producer = producer(Map.of("linger.ms", 0))) {
      producer.partitionsFor(records.apply(0).topic());
      double start = Hops.now();
      for (int i = 0; i < count; i++) {
        double due = start + i * 1e3 / perSecond;
        ProducerRecord<byte[], byte[]> record = records.apply(i);
        LockSupport.parkNanos((long) Math.max(0, (due - Hops.now()) * 1e6));
        double at = Hops.now();
        producer.send(
            record,
            (where, failure) -> {
              if (failure == null) {
                sent.put(place(where), new Sent(due, at, Hops.now()));
              } else {
                progress("a record was not sent: %s", failure);
              }
            });
      }
    }
    if (sent.size() < count) {
      throw new IllegalStateException("%d of %d records were sent".formatted(sent.size(), count));
    }
    return sent;
  }

  private static String place(RecordMetadata where) {
    return Hops.place(where.topic(), where.partition(), where.offset());
  }

  /**
   * A record that was published, in milliseconds.
   *
   * @param due when it was to be sent
   * @param at when it was
   * @param acknowledged when the broker had said so
   */
  private record Sent(double due, double at, double acknowledged) {}

  private void vectors(ProductSearch gallery) throws Exception {
    List<Double> quiet = new ArrayList<>();
    List<Double> updating = new ArrayList<>();
    Spread late = new Spread("due to sent (this bench)");
    Spread acknowledged = new Spread("sent to acknowledged by the broker");
    Spread followed = new Spread("sent to the follower's consumer");
    Spread applied = new Spread("consumed to searchable");
    Spread all = new Spread("due to searchable");
    // Spells take turns, so that both see the same machine.
    int spells = Math.max(1, seconds / SPELL_SECONDS);
    for (int spell = 0; spell < spells; spell++) {
      double length = (double) seconds / spells;
      quiet.addAll(new Searcher(gallery).forSeconds(length / 2));
      Hops.clear();
      Searcher searching = new Searcher(gallery);
      Watch watch = new Watch(gallery);
      Map<String, Sent> records =
          send(
              i -> vector("photo-" + random.nextInt(size)),
              (int) (VECTORS_PER_SECOND * length),
              VECTORS_PER_SECOND);
      Map<String, Double> searchable = watch.until(records.keySet());
      updating.addAll(searching.stop());
      records.forEach(
          (place, sent) -> {
            double shown = searchable.get(place);
            late.add(sent.at() - sent.due());
            acknowledged.add(sent.acknowledged() - sent.at());
            followed.add(Hops.consumed(place) - sent.at());
            applied.add(shown - Hops.consumed(place));
            all.add(shown - sent.due());
          });
      progress("spell %d of %d: %s", spell + 1, spells, all);
    }
    note("vector records at 100/s", all.size());
    List.of(late, acknowledged, followed, applied, all)
        .forEach(hop -> hop.report("vector record, "));
    goal("vector record, due to searchable, p99 ms", all.quantile(0.99), 50);
    Spread alone = new Spread("no updates", quiet);
    Spread beside = new Spread("updates", updating);
    alone.report("search of 6, ");
    beside.report("search of 6, ");
    goal("search p99, updates / no updates", beside.quantile(0.99) / alone.quantile(0.99), 2);
  }

  /** Notes when the gallery's version comes to cover each record. */
  private final class Watch {
    private final Map<String, Double> shown = new ConcurrentHashMap<>();
    private final AtomicBoolean done = new AtomicBoolean();
    private final Thread thread;

    Watch(ProductSearch gallery) {
      Map<Integer, Long> seen = new TreeMap<>(gallery.state().versions());
      thread =
          new Thread(
              () -> {
                while (!done.get()) {
                  look(gallery.state().versions(), seen);
                  LockSupport.parkNanos(250_000);
                }
              },
              "watching");
      thread.start();
    }

    private void look(Map<Integer, Long> versions, Map<Integer, Long> seen) {
      double now = Hops.now();
      versions.forEach(
          (partition, version) -> {
            for (long offset = seen.getOrDefault(partition, 0L); offset < version; offset++) {
              shown.put(Hops.place(config.topics().galleryVectors(), partition, offset), now);
            }
            seen.put(partition, version);
          });
    }

    Map<String, Double> until(java.util.Set<String> places) throws InterruptedException {
      double end = Hops.now() + PATIENCE.toMillis();
      while (!shown.keySet().containsAll(places)) {
        if (Hops.now() > end) {
          throw new IllegalStateException(
              "records were not searchable within " + PATIENCE + " of the last one");
        }
        Thread.sleep(10);
      }
      done.set(true);
      thread.join();
      return shown;
    }
  }

  /** Photos at full speed for the rate, then at half of it for the times. */
  private void photos(ProductSearch gallery) throws Exception {
    List<Path> files;
    try (Stream<Path> below = Files.walk(photos)) {
      files = below.filter(f -> f.toString().matches(".*\\.(jpe?g|png)")).sorted().toList();
    }
    try (Searcher searching = new Searcher(gallery)) {
      publish(files, "warm", 50, 1e6);
      double start = Hops.now();
      int burst = 200;
      publish(files, "burst", burst, 1e6);
      double rate = burst / ((Hops.now() - start) / 1e3);
      note("photos a second at full speed, gallery searched meanwhile", rate);
      Hops.clear();
      int count = (int) (rate / 2 * seconds);
      report(publish(files, "steady", count, rate / 2));
      searching.stop();
    }
  }

  private void report(Map<Sent, GalleryStatus> photos) {
    Spread late = new Spread("due to sent (this bench)");
    Spread taken = new Spread("sent to the embedding application's consumer");
    Spread embedding = new Spread("consumed to embedded");
    Spread written = new Spread("embedded to acknowledged by the broker");
    Spread committed = new Spread("acknowledged to the follower's consumer (commit)");
    Spread applied = new Spread("consumed to searchable");
    Spread all = new Spread("due to searchable");
    Spread less = new Spread("due to searchable, less consumed to embedded");
    photos.forEach(
        (sent, status) -> {
          String key = status.getGalleryImageId();
          double consumed = Hops.consumed(Hops.place(config.topics().galleryUpdates(), key));
          String vector = Hops.place(config.topics().galleryVectors(), key);
          double embedded = millis(status.getEmbeddedAt());
          double searchable = millis(Objects.requireNonNull(status.getSearchableAt()));
          late.add(sent.at() - sent.due());
          taken.add(consumed - sent.at());
          embedding.add(embedded - consumed);
          written.add(Hops.acknowledged(vector) - embedded);
          committed.add(Hops.consumed(vector) - Hops.acknowledged(vector));
          applied.add(searchable - Hops.consumed(vector));
          all.add(searchable - sent.due());
          less.add(searchable - sent.due() - (embedded - consumed));
        });
    note("photos at half of that", all.size());
    List.of(late, taken, embedding, written, committed, applied, all, less)
        .forEach(hop -> hop.report("photo, "));
    goal("photo, due to searchable less its embedding, p99 ms", less.quantile(0.99), 50);
  }

  /** In the middle of the millisecond that a status tells. */
  private static double millis(Instant time) {
    return time.toEpochMilli() + 0.5;
  }

  /** Publishes photos at a rate and waits until all are searchable. */
  private Map<Sent, GalleryStatus> publish(
      List<Path> files, String name, int count, double perSecond) throws Exception {
    Map<String, GalleryStatus> answers = new LinkedHashMap<>();
    try (TopicReader statuses =
        new TopicReader(config, TopicReader.From.END, config.topics().galleryStatus())) {
      Map<String, Sent> sent = new HashMap<>();
      Thread publisher =
          new Thread(
              () -> {
                try {
                  sent.putAll(
                      send(
                          i -> photo(name + "-" + i, files.get(i % files.size())),
                          count,
                          perSecond));
                } catch (ExecutionException e) {
                  throw new IllegalStateException(e);
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
              },
              "publishing");
      publisher.start();
      double lastAnswer = Hops.now();
      while (answers.size() < count) {
        for (ConsumerRecord<byte[], byte[]> record : statuses.poll(Duration.ofMillis(100))) {
          GalleryStatus status =
              serdes.statuses().deserializer().deserialize(record.topic(), record.value());
          if (status.getOutcome() == GalleryOutcome.REJECTED) {
            throw new IllegalStateException(status.getMessage());
          }
          if (status.getOutcome() == GalleryOutcome.SEARCHABLE
              && status.getGalleryImageId().startsWith(name + "-")) {
            answers.put(status.getGalleryImageId(), status);
            lastAnswer = Hops.now();
          }
        }
        if (Hops.now() - lastAnswer > PATIENCE.toMillis()) {
          throw new IllegalStateException(
              "%d of %d photos searchable, and no more for %s"
                  .formatted(answers.size(), count, PATIENCE));
        }
      }
      publisher.join();
      Map<Sent, GalleryStatus> photos = new HashMap<>();
      answers.forEach(
          (key, status) ->
              photos.put(
                  Objects.requireNonNull(
                      sent.get(Hops.place(config.topics().galleryUpdates(), key))),
                  status));
      return photos;
    }
  }

  private ProducerRecord<byte[], byte[]> photo(String id, Path file) {
    String topic = config.topics().galleryUpdates();
    GalleryUpdate update =
        GalleryUpdate.newBuilder()
            .setGalleryImageId(id)
            .setProductId("product of " + file.getFileName())
            .setLabel("label")
            .setUri(file.toUri().toString())
            .build();
    return new ProducerRecord<>(
        topic,
        id.getBytes(StandardCharsets.UTF_8),
        serdes.updates().serializer().serialize(topic, update));
  }

  private void note(String figure, double value) {
    results.note(BENCH, figure, value);
  }

  private void goal(String figure, double value, double most) {
    results.atMost(BENCH, figure, value, most);
  }

  /** Milliseconds of one hop. */
  private final class Spread {
    private final String name;
    private final List<Double> millis;

    Spread(String name) {
      this(name, new ArrayList<>());
    }

    Spread(String name, List<Double> millis) {
      this.name = name;
      this.millis = millis;
    }

    void add(double time) {
      millis.add(time);
    }

    int size() {
      return millis.size();
    }

    double quantile(double share) {
      double[] sorted = millis.stream().mapToDouble(Double::doubleValue).sorted().toArray();
      return sorted[(int) Math.min(sorted.length - 1L, (long) (share * sorted.length))];
    }

    void report(String of) {
      results.spread(BENCH, of + name, quantile(0.5), quantile(0.95), quantile(0.99), quantile(1));
    }

    @Override
    public String toString() {
      return "%s p50 %.1f, p99 %.1f ms".formatted(name, quantile(0.5), quantile(0.99));
    }
  }
}
