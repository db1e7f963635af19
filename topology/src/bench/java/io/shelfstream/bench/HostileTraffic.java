package io.shelfstream.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.shelfstream.bench.HostileRecords.Batch;
import io.shelfstream.bench.HostileRecords.Input;
import io.shelfstream.bench.HostileRecords.Target;
import io.shelfstream.broker.RawProducer;
import io.shelfstream.broker.Topics;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.config.TopicNames;
import io.shelfstream.events.GalleryOutcome;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.messages.DeadLetter;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.registry.SchemaRegistryClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;

/**
 * Sends {@link HostileRecords} to a service, reads all that it writes, and tells what was not
 * answered as it should be.
 */
final class HostileTraffic implements AutoCloseable {
  /** More than one, so that none waits for the trouble of another. */
  private static final int FRAME_PARTITIONS = 2;

  /** Records without an answer, beyond which sending pauses. */
  private static final int MOST_WAITING = 1000;

  /** Without a single answer. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** In which a second answer would come, and the broker looks for what is too old. */
  private static final Duration AFTERWARDS = Duration.ofSeconds(3);

  /** Ms that two clocks of a machine may differ, and a batch may wait. */
  private static final long TOLERANCE = 5000;

  private static final int MOST_OF_A_KIND = 5;
  private static final String LARGEST_BATCH = Integer.toString(16 << 20);
  private static final String ANY_TIME = Long.toString(Long.MAX_VALUE);

  /** Topics of strangers let everything in, and keep it until it was read. */
  private static final Map<String, String> OPEN =
      Map.of(
          "max.message.bytes", LARGEST_BATCH,
          "message.timestamp.after.max.ms", ANY_TIME,
          "message.timestamp.before.max.ms", ANY_TIME,
          "retention.ms", "-1",
          "segment.ms", ANY_TIME);

  /** Where a record lies. */
  private record Place(String topic, int partition, long offset) {}

  /** A record that was sent, and how often it was answered. */
  private static final class Sent {
    final boolean isGood;
    final String what;
    int answers;

    Sent(Input input) {
      this.isGood = input.isGood();
      this.what = input.what();
    }
  }

  /**
   * What came of it.
   *
   * @param records that were sent
   * @param good of these, records whose answer must be an event, or APPLIED or REMOVED
   * @param byOutcome events, outcomes of updates, and dead letters by reason
   * @param faults how often what was not as it should be
   * @param examples of the faults, with all that is known of the record
   */
  record Count(
      int records,
      int good,
      double perSecond,
      Map<String, Integer> byOutcome,
      Map<String, Integer> faults,
      List<String> examples) {}

  /** Whether the service still lives; throws when it does not. */
  interface Alive {
    void check() throws Exception;
  }

  private final TopicNames topics;
  private final EventSerdes serdes =
      EventSerdes.with(SchemaRegistryClient.create("mock://shelfstream"));
  private final HostileRecords hostile;
  private final Random partitions;
  private final Alive service;
  private final RawProducer producer;
  private final KafkaConsumer<byte[], byte[]> answers;
  private final Background background = new Background();
  private final Thread reader;
  private final long begin = System.currentTimeMillis();

  private final Map<Place, Sent> sent = new HashMap<>();
  private final Map<String, Place> frames = new HashMap<>();
  private final Map<String, Long> newest = new HashMap<>();
  private final Map<Long, Integer> vectors = new HashMap<>();
  private final Map<Long, Integer> updateLetters = new HashMap<>();
  private final Map<Long, GalleryOutcome> outcomes = new HashMap<>();
  private final Map<Long, Integer> searchable = new HashMap<>();
  private final Map<String, Integer> byOutcome = new TreeMap<>();
  private final Map<String, Integer> faults = new TreeMap<>();
  private final List<String> examples = new ArrayList<>();
  private int records;
  private int good;
  private int answered;
  private int removals;
  private long lastAnswer = System.nanoTime();
  private volatile boolean reading = true;

  /** Whether a line of the service's log says that something began again, or came to its end. */
  static boolean tellsOfARestart(String line) {
    return line.contains("failed and is replaced")
        || line.contains("is built anew")
        || line.contains("trying again")
        || line.contains(" has failed: ");
  }

  /**
   * A service with topics of its own.
   *
   * @param models in use, whose embeddings have 3 values
   */
  static ShelfStreamConfig config(String bootstrap, Path folder, String guarantee, String models) {
    return ShelfStreamConfig.loadWithModels(null, settings(bootstrap, folder, guarantee, models));
  }

  /** The same as settings. */
  static Map<String, String> settings(
      String bootstrap, Path folder, String guarantee, String models) {
    String name = "hostile-" + guarantee;
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("kafka.bootstrap.servers", bootstrap);
    settings.put("application.id", name);
    settings.put("delivery.guarantee", guarantee);
    settings.put("state.dir", folder.resolve("state").toString());
    settings.put("models.dir", models);
    settings.put("models.threads", "1");
    settings.put("recognition.gallery.wait", "50ms"); // for versions that never come
    settings.put("topics.frames", name + ".frames");
    settings.put("topics.recognitions", name + ".recognitions");
    settings.put("topics.gallery.updates", name + ".updates");
    settings.put("topics.gallery.vectors", name + ".vectors");
    settings.put("topics.gallery.status", name + ".status");
    settings.put("topics.dead.letters", name + ".dead-letters");
    return settings;
  }

  /**
   * Makes the topics of a configuration as strangers' topics are: they let everything in. The
   * others are as the service makes them.
   */
  static void makeTopics(ShelfStreamConfig config) throws Exception {
    TopicNames topics = config.topics();
    try (Admin admin = Admin.create(new HashMap<String, Object>(config.kafka()))) {
      admin
          .createTopics(
              List.of(
                  new NewTopic(topics.frames(), FRAME_PARTITIONS, (short) 1).configs(OPEN),
                  new NewTopic(topics.galleryUpdates(), 1, (short) 1).configs(OPEN)))
          .all()
          .get();
      Topics.create(config, 1, (short) 1);
      Map<String, String> open = new HashMap<>(OPEN);
      open.remove("retention.ms");
      admin
          .incrementalAlterConfigs(
              Map.of(
                  new ConfigResource(ConfigResource.Type.TOPIC, topics.galleryVectors()),
                  open.entrySet().stream()
                      .map(e -> new ConfigEntry(e.getKey(), e.getValue()))
                      .map(e -> new AlterConfigOp(e, AlterConfigOp.OpType.SET))
                      .toList()))
          .all()
          .get();
    }
  }

  /**
   * Begins to read at once.
   *
   * @param config of the service; its topics are there
   * @param service asked again and again
   */
  HostileTraffic(ShelfStreamConfig config, long seed, Alive service) throws Exception {
    this.topics = config.topics();
    this.hostile = new HostileRecords(config, seed);
    this.partitions = new Random(seed);
    this.service = service;
    String bootstrap = String.valueOf(config.kafka().get("bootstrap.servers"));
    this.producer = new RawProducer(bootstrap);
    ByteArrayDeserializer bytes = new ByteArrayDeserializer();
    this.answers =
        new KafkaConsumer<>(
            Map.of(
                "bootstrap.servers",
                bootstrap,
                "isolation.level",
                "read_committed",
                "max.poll.records",
                50,
                "auto.offset.reset",
                "earliest"),
            bytes,
            bytes);
    answers.assign(outputs());
    this.reader = background.start("reader", this::read);
  }

  private List<TopicPartition> outputs() {
    return List.of(
        new TopicPartition(topics.recognitions(), 0),
        new TopicPartition(topics.deadLetters(), 0),
        new TopicPartition(topics.galleryStatus(), 0),
        new TopicPartition(topics.galleryVectors(), 0));
  }

  /** Sends so many more, or fewer when no answer comes any more. */
  void send(int count) throws Exception {
    for (int left = count; left > 0 && await(MOST_WAITING); ) {
      Batch batch = hostile.next(left);
      send(batch);
      left -= batch.inputs().size();
    }
  }

  /** Locked, so that no answer is read before it is known what it answers. */
  private synchronized void send(Batch batch) throws Exception {
    int partition = batch.target() == Target.FRAMES ? partitions.nextInt(FRAME_PARTITIONS) : 0;
    long offset =
        producer.send(
            topic(batch.target()),
            partition,
            batch.compression(),
            batch.inputs().stream().map(Input::record).toList());
    records += batch.inputs().size();
    if (batch.target() == Target.VECTORS) {
      return; // nobody is told of these
    }
    for (Input input : batch.inputs()) {
      Place place = new Place(topic(batch.target()), partition, offset++);
      sent.put(place, new Sent(input));
      good += input.isGood() ? 1 : 0;
      if (input.frameId() != null && frames.putIfAbsent(input.frameId(), place) != null) {
        throw new IllegalStateException("two frames are called " + input.frameId());
      }
    }
  }

  private String topic(Target target) {
    return switch (target) {
      case FRAMES -> topics.frames();
      case UPDATES -> topics.galleryUpdates();
      case VECTORS -> topics.galleryVectors();
    };
  }

  private void read() {
    while (reading) {
      for (ConsumerRecord<byte[], byte[]> record : answers.poll(Duration.ofMillis(100))) {
        take(record);
      }
    }
  }

  private synchronized void take(ConsumerRecord<byte[], byte[]> record) {
    String topic = record.topic();
    String key = record.key() == null ? "" : new String(record.key(), UTF_8);
    if (topic.equals(topics.galleryVectors()) && isForeign(key)) {
      return;
    }
    lastAnswer = System.nanoTime();
    checkTime(record);
    if (topic.equals(topics.deadLetters())) {
      takeDeadLetter(record);
    } else if (topic.equals(topics.recognitions())) {
      takeEvent(record);
    } else if (topic.equals(topics.galleryStatus())) {
      takeStatus(record);
    } else if (record.value() == null) {
      removals++;
    } else {
      long offset =
          serdes.vectors().deserializer().deserialize(topic, record.value()).getSourceOffset();
      vectors.merge(offset, 1, Integer::sum);
    }
  }

  /** No update that led to a vector has such a key. */
  private static boolean isForeign(String key) {
    return key.isEmpty() || key.startsWith(HostileRecords.FOREIGN);
  }

  /** Retention counts from the timestamp. */
  private void checkTime(ConsumerRecord<byte[], byte[]> record) {
    long now = System.currentTimeMillis();
    if (record.timestamp() < begin - TOLERANCE || record.timestamp() > now + TOLERANCE) {
      fault("timestamp of an answer that is not of its time", record + "");
    }
  }

  private void takeDeadLetter(ConsumerRecord<byte[], byte[]> letter) {
    Headers headers = letter.headers();
    Place place =
        new Place(
            text(headers, DeadLetter.TOPIC),
            Integer.parseInt(text(headers, DeadLetter.PARTITION)),
            Long.parseLong(text(headers, DeadLetter.OFFSET)));
    String reason = text(headers, DeadLetter.CLASS);
    byOutcome.merge("dead letter " + reason, 1, Integer::sum);
    for (String name : List.of(DeadLetter.STAGE, DeadLetter.MESSAGE, DeadLetter.ATTEMPT)) {
      text(headers, name);
    }
    if (!text(headers, DeadLetter.ATTEMPT).matches("[1-9][0-9]*")) {
      fault("attempt that is no number from 1 on", text(headers, DeadLetter.ATTEMPT));
    }
    if (place.topic().equals(topics.frames())) {
      answer(place, false, reason + ": " + text(headers, DeadLetter.MESSAGE));
      checkOrder("dead letters", place);
    } else if (place.topic().equals(topics.galleryUpdates())) {
      updateLetters.merge(place.offset(), 1, Integer::sum);
    } else {
      fault("dead letter of a topic that has none", place + " " + reason);
    }
  }

  private void takeEvent(ConsumerRecord<byte[], byte[]> record) {
    var event = serdes.recognitions().deserializer().deserialize(record.topic(), record.value());
    byOutcome.merge("event " + event.getStatus(), 1, Integer::sum);
    checkHeaders("event", record.headers());
    Place place = frames.get(event.getFrameId());
    if (place == null) {
      fault("event about no frame that was sent", event.getFrameId());
      return;
    }
    answer(place, true, "event " + event.getStatus());
    checkOrder("events", place);
  }

  private void takeStatus(ConsumerRecord<byte[], byte[]> record) {
    GalleryStatus status =
        serdes.statuses().deserializer().deserialize(record.topic(), record.value());
    byOutcome.merge("update " + status.getOutcome(), 1, Integer::sum);
    checkHeaders("status", record.headers());
    if (status.getOutcome() == GalleryOutcome.SEARCHABLE) {
      searchable.merge(status.getSourceOffset(), 1, Integer::sum);
      return;
    }
    outcomes.put(status.getSourceOffset(), status.getOutcome());
    answer(
        new Place(topics.galleryUpdates(), 0, status.getSourceOffset()),
        status.getOutcome() != GalleryOutcome.REJECTED,
        "%s %s: %s".formatted(status.getOutcome(), status.getReason(), status.getMessage()));
  }

  private void answer(Place place, boolean isWell, String answer) {
    Sent source = sent.get(place);
    if (source == null) {
      fault("answer to no record that was sent", place + " " + answer);
      return;
    }
    source.answers++;
    answered += source.answers == 1 ? 1 : 0;
    if (source.answers > 1) {
      fault("answered again", place + " " + source.what + " -> " + answer);
    }
    if (source.isGood && !isWell) {
      fault("good record refused", place + " " + source.what + " -> " + answer);
    }
  }

  private void checkOrder(String of, Place place) {
    Long before = newest.put(of + place.partition(), place.offset());
    if (before != null && before >= place.offset()) {
      fault("order of " + of, place + " after " + before);
    }
  }

  /** What an event says about itself it says once, and nothing of the machinery. */
  private void checkHeaders(String of, Headers headers) {
    for (String name : List.of("ce_id", "ce_specversion", "ce_time", "content-type")) {
      text(headers, name);
    }
    if (!text(headers, "traceparent").matches("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")) {
      fault("traceparent of a " + of, text(headers, "traceparent"));
    }
    for (Header header : headers) {
      if (header.key().startsWith("shelf.")) {
        fault("header of the machinery on a " + of, header.key());
      }
    }
  }

  private String text(Headers headers, String name) {
    String text = "";
    int count = 0;
    for (Header header : headers.headers(name)) {
      text = header.value() == null ? "" : new String(header.value(), UTF_8);
      count++;
    }
    if (count != 1) {
      fault("header %s %d times".formatted(name, count), text);
    }
    return text;
  }

  private void fault(String kind, String example) {
    if (faults.merge(kind, 1, Integer::sum) <= MOST_OF_A_KIND) {
      examples.add(kind + ": " + (example.length() > 500 ? example.substring(0, 500) : example));
    }
  }

  /** Records that were answered so far. */
  synchronized int answered() {
    return answered;
  }

  private synchronized int waiting() {
    return sent.size() - answered;
  }

  private synchronized boolean isPatient() {
    return System.nanoTime() - lastAnswer < PATIENCE.toNanos();
  }

  /**
   * Waits until at most so many records have no answer.
   *
   * @return false when no answer comes any more
   */
  private boolean await(int most) throws Exception {
    if (waiting() > most) {
      synchronized (this) {
        lastAnswer = System.nanoTime();
      }
    }
    while (waiting() > most) {
      background.check();
      service.check();
      if (!isPatient()) {
        return false;
      }
      TimeUnit.MILLISECONDS.sleep(5);
    }
    return true;
  }

  /** Waits until all is answered, or no answer comes any more. */
  void awaitAnswers() throws Exception {
    await(0);
  }

  /** Waits for the answers that are missing, and for some that are too many. */
  Count finish() throws Exception {
    await(0);
    double seconds = (System.currentTimeMillis() - begin) / 1000.0;
    for (Target target : List.of(Target.FRAMES, Target.UPDATES)) {
      send(hostile.good(target)); // the service goes on after all of it
    }
    await(0);
    awaitSearchable();
    TimeUnit.MILLISECONDS.sleep(AFTERWARDS.toMillis());
    service.check();
    reading = false;
    reader.join();
    background.check();
    synchronized (this) {
      judge();
      return new Count(records, good, records / seconds, byOutcome, faults, examples);
    }
  }

  private void awaitSearchable() throws InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!areSearchable() && System.nanoTime() < end) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  private synchronized boolean areSearchable() {
    return outcomes.entrySet().stream()
        .allMatch(
            e -> e.getValue() == GalleryOutcome.REJECTED || searchable.containsKey(e.getKey()));
  }

  private void judge() {
    sent.forEach(
        (place, source) -> {
          if (source.answers == 0) {
            fault("no answer", place + " " + source.what);
          }
        });
    outcomes.forEach(this::judgeUpdate);
    long removed = outcomes.values().stream().filter(o -> o == GalleryOutcome.REMOVED).count();
    if (removals != removed) {
      fault("removals that are no vectors", removals + " for " + removed);
    }
    answers
        .beginningOffsets(outputs())
        .forEach(
            (topic, offset) -> {
              if (offset != 0) {
                fault("answers deleted", topic + " begins at " + offset);
              }
            });
  }

  private void judgeUpdate(long offset, GalleryOutcome outcome) {
    boolean isRejected = outcome == GalleryOutcome.REJECTED;
    String what = "update at offset " + offset + ", " + outcome;
    check("vectors", vectors.get(offset), outcome == GalleryOutcome.APPLIED, what);
    check("dead letters", updateLetters.get(offset), isRejected, what);
    check("SEARCHABLE statuses", searchable.get(offset), !isRejected, what);
  }

  private void check(String of, @Nullable Integer count, boolean isOne, String what) {
    int is = count == null ? 0 : count;
    if (is != (isOne ? 1 : 0)) {
      fault("%d %s of an update".formatted(is, of), what);
    }
  }

  @Override
  public void close() throws Exception {
    reading = false;
    reader.join();
    producer.close();
    answers.close();
  }
}
