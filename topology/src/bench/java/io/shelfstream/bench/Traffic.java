package io.shelfstream.bench;

import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.registry.AvroSerde;
import io.shelfstream.registry.SchemaRegistryClient;
import io.shelfstream.registry.SchemaRegistryConfig;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * Publishes numbered frames of some cameras at a steady rate, and counts what comes back, read
 * committed. Every camera's frames are numbered from 0.
 */
final class Traffic implements AutoCloseable {
  /** Without a single answer. */
  private static final Duration PATIENCE = Duration.ofSeconds(120);

  /** Frames without an answer, beyond which publishing pauses: on a busy machine all would wait. */
  private static final int MOST_WAITING = 4000;

  /**
   * A request to a broker that is cut off hangs that long; then its partitions are read and written
   * where they are led now. Kafka's 30 s would be the observer's wait, not the service's.
   */
  private static final int REQUEST_MS = 5000;

  /** What came back. */
  record Count(
      int published, int lost, int doubled, int otherIds, int orderBreaks, int deadLetters) {}

  /**
   * The longest waits within a time, in seconds; those that have not ended count, too.
   *
   * @param gap between two answers
   * @param answer of a frame, from publishing it to reading its answer
   */
  record Waits(double gap, double answer) {}

  private final String framesTopic;
  private final String deadLettersTopic;
  private final int cameras;
  private final String uri;
  private final AvroSerde<ImageReference> frames = serde(ImageReference.class);
  private final AvroSerde<RecognitionEvent> events = serde(RecognitionEvent.class);
  private final KafkaProducer<byte[], byte[]> producer;
  private final KafkaConsumer<byte[], byte[]> answers;
  private final Background background = new Background();
  private final Thread publisher;
  private final Thread reader;
  private final Map<String, String> ids = new HashMap<>();
  private final Map<String, Integer> newest = new HashMap<>();
  private volatile boolean publishing = true;
  private volatile boolean reading = true;
  private volatile int published;
  private volatile int distinct;
  private volatile @Nullable Exception failed;
  private int doubled;
  private int otherIds;
  private int orderBreaks;
  private int deadLetters;
  private final Map<String, Long> sentAt = new ConcurrentHashMap<>();
  private long answeredAt = System.nanoTime();
  private long longestGap;
  private long longestAnswer;

  private static <T extends org.apache.avro.specific.SpecificRecord> AvroSerde<T> serde(
      Class<T> type) {
    return AvroSerde.of(
        type, SchemaRegistryClient.create("mock://shelfstream"), SchemaRegistryConfig.of(Map.of()));
  }

  /**
   * Begins at once.
   *
   * @param partitions of the topics of answers and of dead letters
   * @param perSecond frames of all cameras
   * @param uri of every frame
   */
  Traffic(
      String bootstrap,
      String framesTopic,
      String answersTopic,
      String deadLettersTopic,
      int partitions,
      int cameras,
      int perSecond,
      String uri) {
    this.framesTopic = framesTopic;
    this.deadLettersTopic = deadLettersTopic;
    this.cameras = cameras;
    this.uri = uri;
    ByteArraySerializer to = new ByteArraySerializer();
    ByteArrayDeserializer from = new ByteArrayDeserializer();
    this.producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", bootstrap, "request.timeout.ms", REQUEST_MS), to, to);
    this.answers =
        new KafkaConsumer<>(
            Map.of(
                "bootstrap.servers",
                bootstrap,
                "request.timeout.ms",
                REQUEST_MS,
                "isolation.level",
                "read_committed",
                "auto.offset.reset",
                "earliest"),
            from,
            from);
    answers.assign(
        Stream.of(answersTopic, deadLettersTopic)
            .flatMap(
                topic -> IntStream.range(0, partitions).mapToObj(i -> new TopicPartition(topic, i)))
            .toList());
    this.publisher = background.start("publisher", () -> publish(perSecond));
    this.reader = background.start("reader", this::read);
  }

  private void publish(int perSecond) throws Exception {
    long start = System.nanoTime();
    for (int i = 0; publishing; i++) {
      long due = start + i * 1_000_000_000L / perSecond;
      long early = due - System.nanoTime();
      if (early > 0) {
        TimeUnit.NANOSECONDS.sleep(early);
      }
      while (publishing && i - distinct >= MOST_WAITING) {
        TimeUnit.MILLISECONDS.sleep(5);
      }
      String camera = "camera-" + i % cameras;
      ImageReference frame =
          ImageReference.newBuilder()
              .setCameraId(camera)
              .setFrameId(Integer.toString(i / cameras))
              .setUri(uri)
              .setCapturedAt(Instant.EPOCH.plusMillis(i))
              .build();
      sentAt.put(camera + "/" + frame.getFrameId(), System.nanoTime());
      producer.send(
          new ProducerRecord<>(
              framesTopic,
              camera.getBytes(StandardCharsets.UTF_8),
              frames.serializer().serialize(framesTopic, frame)),
          (written, failure) -> {
            if (failure != null) {
              failed = failure;
            }
          });
      if (failed != null) {
        throw failed;
      }
      published = i + 1;
    }
    producer.flush();
  }

  private void read() {
    while (reading) {
      answers.poll(Duration.ofMillis(100)).forEach(this::count);
    }
  }

  private synchronized void count(ConsumerRecord<byte[], byte[]> record) {
    if (record.topic().equals(deadLettersTopic)) {
      deadLetters++;
      return;
    }
    RecognitionEvent event = events.deserializer().deserialize(record.topic(), record.value());
    int number = Integer.parseInt(event.getFrameId());
    String frame = event.getCameraId() + "/" + event.getFrameId();
    String earlier = ids.putIfAbsent(frame, event.getEventId());
    if (earlier != null) {
      doubled++;
      otherIds += earlier.equals(event.getEventId()) ? 0 : 1;
      return;
    }
    distinct = ids.size();
    long now = System.nanoTime();
    longestGap = Math.max(longestGap, now - answeredAt);
    answeredAt = now;
    Long sent = sentAt.remove(frame);
    longestAnswer = Math.max(longestAnswer, sent == null ? 0 : now - sent);
    if (newest.getOrDefault(event.getCameraId(), -1) > number) {
      orderBreaks++; // an answer that had been passed over
    }
    newest.merge(event.getCameraId(), number, Math::max);
  }

  /** The longest waits since the last call. */
  synchronized Waits waits() {
    long now = System.nanoTime();
    long gap = Math.max(longestGap, now - answeredAt);
    long oldest = sentAt.values().stream().mapToLong(at -> now - at).max().orElse(0);
    Waits waits = new Waits(gap / 1e9, Math.max(longestAnswer, oldest) / 1e9);
    longestGap = 0;
    longestAnswer = 0;
    return waits;
  }

  /** Distinct frames that were answered so far. */
  int answered() {
    return distinct;
  }

  /** Waits until so many more frames were answered. */
  void awaitAnswers(int more) throws Exception {
    await(distinct + more);
  }

  private void await(int count) throws Exception {
    int seen = distinct;
    long newestAt = System.nanoTime();
    while (distinct < count && System.nanoTime() - newestAt < PATIENCE.toNanos()) {
      background.check();
      TimeUnit.MILLISECONDS.sleep(10);
      if (distinct > seen) {
        seen = distinct;
        newestAt = System.nanoTime();
      }
    }
    if (publishing && distinct < count) {
      throw new IllegalStateException(
          "Only "
              + distinct
              + " of "
              + count
              + " answers, none for "
              + PATIENCE.toSeconds()
              + " s");
    }
  }

  /** Stops publishing, waits for the answers that are missing, and for some that are too many. */
  Count finish() throws Exception {
    publishing = false;
    publisher.join();
    await(published);
    TimeUnit.SECONDS.sleep(2);
    reading = false;
    reader.join();
    background.check();
    return new Count(
        published, published - ids.size(), doubled, otherIds, orderBreaks, deadLetters);
  }

  @Override
  public void close() throws Exception {
    publishing = false;
    reading = false;
    publisher.join();
    reader.join();
    producer.close(Duration.ofSeconds(5));
    answers.close();
  }
}
