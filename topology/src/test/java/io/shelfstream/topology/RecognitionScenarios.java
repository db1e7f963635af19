package io.shelfstream.topology;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.shelfstream.client.EventProducer;
import io.shelfstream.client.GalleryPublisher;
import io.shelfstream.client.TopicReader;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognizedObject;
import io.shelfstream.gallery.GalleryState;
import io.shelfstream.messages.DeadLetter;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.recognition.Pictures;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
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
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;
import javax.imageio.ImageIO;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the service does on a real broker, with real ONNX sessions (two graphs of a few hundred
 * bytes, see src/test/python/colour_models.py) and the real Faiss index. Subclasses bring the
 * broker; each test has topics of its own.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class RecognitionScenarios {
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  @TempDir static Path folder;
  private Path images;
  private String bootstrapServers;
  private TestTopics topics;
  private ShelfStreamConfig config;

  /** Returns the broker's address; called once. */
  abstract String broker();

  @BeforeAll
  void start() throws Exception {
    bootstrapServers = broker();
    images = Files.createDirectories(folder.resolve("images"));
  }

  @BeforeEach
  void configure(TestInfo test) {
    topics = new TestTopics(bootstrapServers, folder, test);
    config = configuration(Map.of());
  }

  private ShelfStreamConfig configuration(Map<String, String> more) {
    Map<String, String> settings = new HashMap<>(more);
    settings.put("images.allowed.roots", images.toString());
    return topics.config(settings);
  }

  @Test
  void recognisesFramesOnARealBroker() throws Exception {
    try (RecognitionService service = RecognitionService.start(config);
        EventProducer producer = new EventProducer(config);
        TopicReader answers = answers()) {
      add("red-1", "red", Color.RED);
      add("blue-1", "blue", Color.BLUE);

      publish(producer, "f1", image("f1.png", Color.RED, Color.BLUE));

      RecognitionEvent event = events(answers, 1).get(0);
      assertThat(event.getObjects())
          .extracting(RecognizedObject::getProductId)
          .containsExactly("red", "blue");
      assertThat(event.getImageWidth()).isEqualTo(64);
      assertThat(event.getVersions().getProvider()).isEqualTo("cpu");
      assertThat(event.getVersions().getExtractor()).matches("colour@[0-9a-f]{12}");
    }
  }

  @Test
  void startsFromItsSnapshotAndTheRestOfTheTopic() throws Exception {
    Path snapshots = folder.resolve("snapshots");
    config = configuration(Map.of("index.snapshot.dir", snapshots.toString()));
    GalleryState before;
    try (RecognitionService service = RecognitionService.start(config)) {
      add("red-1", "red", Color.RED);
      add("blue-1", "blue", Color.BLUE);
      Instant end = Instant.now().plus(PATIENCE);
      while (service.gallery().state().size() < 2 && Instant.now().isBefore(end)) {
        Thread.sleep(10);
      }
      before = service.gallery().state();
    }
    assertThat(snapshots.resolve(config.topics().galleryVectors()).toFile().list()).hasSize(1);

    try (RecognitionService service = RecognitionService.start(config);
        EventProducer producer = new EventProducer(config);
        TopicReader answers = answers()) {
      assertThat(service.gallery().state()).isEqualTo(before);
      publish(producer, "f1", image("restarted.png", Color.RED, Color.BLUE));

      assertThat(events(answers, 1).get(0).getObjects())
          .extracting(RecognizedObject::getProductId)
          .containsExactly("red", "blue");
    }
    // Nothing came, so nothing was written.
    assertThat(snapshots.resolve(config.topics().galleryVectors()).toFile().list()).hasSize(1);
  }

  @Test
  void deliversAtLeastOnceWithoutTransactionsAndFreesEverySlot() throws Exception {
    config =
        configuration(
            Map.of(
                "delivery.guarantee", "at_least_once",
                "delivery.window", "4", // slots that are not freed would stop it
                "kafka.num.stream.threads", "2"));
    String uri = image("at-least-once.png", Color.RED, Color.BLUE);
    try (RecognitionService service = RecognitionService.start(config);
        EventProducer producer = new EventProducer(config);
        TopicReader answers = answers()) {
      assertThat(service.isReady()).isTrue();
      for (int i = 0; i < 40; i++) {
        publish(producer, "f" + i, uri);
      }
      sendRaw("not avro".getBytes(StandardCharsets.UTF_8));

      // Each topic is in order; which of two topics is read first is nobody's promise.
      Map<Boolean, List<ConsumerRecord<byte[], byte[]>>> taken =
          take(answers, 41).stream()
              .collect(
                  Collectors.partitioningBy(
                      record -> record.topic().equals(config.topics().deadLetters())));
      assertThat(taken.get(true))
          .extracting(letter -> header(letter, DeadLetter.CLASS))
          .containsExactly("UNDECODABLE_RECORD");
      List<ConsumerRecord<byte[], byte[]>> events = taken.get(false);
      assertThat(events)
          .extracting(record -> event(record).getFrameId())
          .containsExactlyElementsOf(IntStream.range(0, 40).mapToObj(i -> "f" + i).toList());
      assertThat(events.get(0).headers())
          .extracting(Header::key)
          .noneMatch(name -> name.startsWith("shelf."));
    }
  }

  @Test
  void worksInAGroupThatTheBrokerManages() throws Exception {
    config = configuration(Map.of("kafka.group.protocol", "streams"));
    try (RecognitionService service = RecognitionService.start(config);
        EventProducer producer = new EventProducer(config);
        TopicReader answers = answers()) {
      publish(producer, "f1", image("streams-group.png", Color.RED, Color.BLUE));

      assertThat(events(answers, 1).get(0).getFrameId()).isEqualTo("f1");
    }
  }

  @Test
  void answersEachBadReferenceWithOneDeadLetterAndGoesOn() throws Exception {
    HttpServer server = redirectingServer();
    String host = "127.0.0.1:" + server.getAddress().getPort();
    config =
        configuration(
            Map.of("images.allowed.hosts", host, "images.allow.private.addresses", "true"));
    byte[] picture = Pictures.halves(Color.RED, Color.BLUE, 64, 64);
    Map<String, String> bad = new LinkedHashMap<>();
    bad.put(images.resolve("missing.png").toUri().toString(), "NOT_FOUND");
    bad.put(file("../outside.png", picture), "FORBIDDEN_LOCATION");
    bad.put("file:///etc/passwd", "FORBIDDEN_LOCATION");
    bad.put("http://" + host + "/to-metadata-service", "FORBIDDEN_LOCATION");
    bad.put("http://" + host + "/nothing", "NOT_FOUND");
    bad.put("http://10.0.0.1/image.png", "FORBIDDEN_LOCATION");
    bad.put("gopher://example.com/", "INVALID_REFERENCE");
    bad.put(file("huge.png", emptyPng(30_000, 30_000)), "TOO_MANY_PIXELS");
    bad.put(file("truncated.jpg", truncatedJpeg()), "CORRUPT_IMAGE");
    bad.put(file("text.jpg", "hello".getBytes(StandardCharsets.UTF_8)), "UNSUPPORTED_IMAGE");
    bad.put(file("empty.jpg", new byte[0]), "EMPTY_IMAGE");

    List<String> seen = new ArrayList<>();
    try (RecognitionService service = RecognitionService.start(config);
        EventProducer producer = new EventProducer(config);
        TopicReader answers = answers()) {
      sendRaw("not avro".getBytes(StandardCharsets.UTF_8));
      sendRaw(new byte[1_048_000]); // all that fits into a record by default, before the reason
      for (String uri : bad.keySet()) {
        publish(producer, "bad", uri);
      }
      publish(producer, "good", image("good.png", Color.RED, Color.BLUE));

      for (ConsumerRecord<byte[], byte[]> record : take(answers, bad.size() + 3)) {
        seen.add(
            record.topic().equals(config.topics().deadLetters())
                ? header(record, DeadLetter.CLASS)
                : "recognised " + event(record).getFrameId());
      }
      assertThat(answers.poll(Duration.ofMillis(500))).isEmpty();
    } finally {
      server.stop(0);
    }

    List<String> expected = new ArrayList<>(bad.values());
    expected.add("UNDECODABLE_RECORD");
    expected.add("UNDECODABLE_RECORD");
    expected.add("recognised good");
    assertThat(seen).containsExactlyInAnyOrderElementsOf(expected);
  }

  @Test
  void followsTheGalleryWhileItRunsAndAnswersTheSameAfterARestart() throws Exception {
    String red = image("red.png", Color.RED, Color.RED);
    try (EventProducer producer = new EventProducer(config)) {
      long added;
      try (RecognitionService service = RecognitionService.start(config)) {
        add("blue-1", "blue", Color.BLUE);
        added = add("red-1", "red", Color.RED);
        assertThat(firstAnswerFrom(producer, red, added)).isEqualTo("red");
        long removed = remove("red-1");
        assertThat(firstAnswerFrom(producer, red, removed)).isNull();
        added = add("red-1", "red", Color.RED);
        assertThat(firstAnswerFrom(producer, red, added)).isEqualTo("red");
      }
      try (RecognitionService restarted = RecognitionService.start(config)) {
        assertThat(restarted.gallery().state().version()).isEqualTo(added);
        assertThat(restarted.gallery().state().size()).isEqualTo(2);
        assertThat(firstAnswerFrom(producer, red, added)).isEqualTo("red");
      }
    }
  }

  @Test
  void losesNoFrameThatWasPublishedWhileItWasDown() throws Exception {
    try (EventProducer producer = new EventProducer(config)) {
      try (RecognitionService first = RecognitionService.start(config)) {
        publish(producer, "before", image("a.png", Color.RED, Color.RED));
      }
      for (int i = 0; i < 5; i++) {
        publish(producer, "down-" + i, image("a.png", Color.RED, Color.RED));
      }
      producer.flush();

      try (TopicReader answers =
              new TopicReader(config, TopicReader.From.BEGINNING, config.topics().recognitions());
          RecognitionService second = RecognitionService.start(config)) {
        assertThat(events(answers, 6))
            .extracting(RecognitionEvent::getFrameId)
            .containsExactly("before", "down-0", "down-1", "down-2", "down-3", "down-4");
      }
    }
  }

  /** Publishes frames until one is answered from the wanted gallery version on: its product. */
  private @Nullable String firstAnswerFrom(EventProducer producer, String uri, long version) {
    try (TopicReader answers = answers()) {
      long deadline = System.nanoTime() + PATIENCE.toNanos();
      while (System.nanoTime() < deadline) {
        publish(producer, "f" + System.nanoTime(), uri);
        RecognitionEvent event = events(answers, 1).get(0);
        if (event.getVersions().getGalleryVersion() >= version) {
          return event.getObjects().get(0).getProductId();
        }
      }
    }
    throw new AssertionError("No answer from gallery version " + version + " within " + PATIENCE);
  }

  private long add(String id, String product, Color colour) throws IOException {
    return update(
        id,
        GalleryUpdate.newBuilder()
            .setGalleryImageId(id)
            .setProductId(product)
            .setLabel(product)
            .setUri(image(id + ".png", colour, colour))
            .build());
  }

  private long remove(String id) {
    return update(id, null);
  }

  /**
   * Publishes an update, waits for the service's answer and returns the gallery version it made.
   */
  private long update(String id, @Nullable GalleryUpdate update) {
    Map<String, @Nullable GalleryUpdate> updates = new LinkedHashMap<>();
    updates.put(id, update);
    GalleryPublisher.Report report = new GalleryPublisher(config, PATIENCE).publishAndWait(updates);
    assertThat(report.allDone()).as(report.summary()).isTrue();
    long version = 0;
    try (TopicReader vectors =
        new TopicReader(config, TopicReader.From.BEGINNING, config.topics().galleryVectors())) {
      while (!vectors.atEnd()) {
        for (ConsumerRecord<byte[], byte[]> record : vectors.poll(Duration.ofMillis(200))) {
          version = record.offset() + 1;
        }
      }
    }
    return version;
  }

  private void publish(EventProducer producer, String frameId, String uri) {
    ImageReference frame = RecognitionEvents.reference("camera-1", frameId, uri, Instant.now());
    producer.send(config.topics().frames(), "camera-1", producer.serdes().frames(), frame);
  }

  private void sendRaw(byte[] value) {
    try (KafkaProducer<String, byte[]> producer = topics.producer(null)) {
      producer.send(new ProducerRecord<>(config.topics().frames(), value));
    }
  }

  private TopicReader answers() {
    return new TopicReader(
        config,
        TopicReader.From.END,
        config.topics().recognitions(),
        config.topics().deadLetters());
  }

  private List<RecognitionEvent> events(TopicReader answers, int count) {
    return take(answers, count).stream().map(this::event).toList();
  }

  private RecognitionEvent event(ConsumerRecord<byte[], byte[]> record) {
    assertThat(record.topic())
        .as(() -> "dead letter: " + header(record, DeadLetter.MESSAGE))
        .isEqualTo(config.topics().recognitions());
    return TestTopics.SERDES
        .recognitions()
        .deserializer()
        .deserialize(record.topic(), record.value());
  }

  private static List<ConsumerRecord<byte[], byte[]>> take(TopicReader answers, int count) {
    List<ConsumerRecord<byte[], byte[]>> taken = new ArrayList<>();
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (taken.size() < count) {
      assertThat(System.nanoTime())
          .as("answers: %d of %d", taken.size(), count)
          .isLessThan(deadline);
      answers.poll(Duration.ofMillis(200)).forEach(taken::add);
    }
    return taken;
  }

  private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
    return new String(record.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
  }

  private String image(String name, Color left, Color right) throws IOException {
    return file(name, Pictures.halves(left, right, 64, 64));
  }

  private String file(String name, byte[] content) throws IOException {
    return Files.write(images.resolve(name).normalize(), content).toUri().toString();
  }

  private static byte[] truncatedJpeg() throws IOException {
    BufferedImage image = new BufferedImage(256, 256, BufferedImage.TYPE_INT_RGB);
    Random random = new Random(7);
    for (int i = 0; i < 256 * 256; i++) {
      image.setRGB(i % 256, i / 256, random.nextInt());
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ImageIO.write(image, "jpg", bytes);
    return Arrays.copyOf(bytes.toByteArray(), bytes.size() / 2);
  }

  /** A PNG of a few KB whose header promises the given size: every row is zeros, deflated. */
  private static byte[] emptyPng(int width, int height) throws IOException {
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    png.write(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'});
    ByteBuffer header = ByteBuffer.allocate(13).putInt(width).putInt(height);
    chunk(png, "IHDR", header.put(new byte[] {1, 0, 0, 0, 0}).array());
    ByteArrayOutputStream rows = new ByteArrayOutputStream();
    try (DeflaterOutputStream deflated = new DeflaterOutputStream(rows)) {
      byte[] row = new byte[1 + (width + 7) / 8];
      for (int y = 0; y < height; y++) {
        deflated.write(row);
      }
    }
    chunk(png, "IDAT", rows.toByteArray());
    chunk(png, "IEND", new byte[0]);
    return png.toByteArray();
  }

  private static void chunk(ByteArrayOutputStream png, String type, byte[] data) {
    byte[] name = type.getBytes(StandardCharsets.US_ASCII);
    CRC32 crc = new CRC32();
    crc.update(name);
    crc.update(data);
    png.writeBytes(ByteBuffer.allocate(4).putInt(data.length).array());
    png.writeBytes(name);
    png.writeBytes(data);
    png.writeBytes(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
  }

  /** Leads from an allowed host to one that is not. */
  private static HttpServer redirectingServer() throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          boolean redirect = exchange.getRequestURI().getPath().equals("/to-metadata-service");
          exchange.getResponseHeaders().set("Location", "http://169.254.169.254/latest/meta-data/");
          exchange.sendResponseHeaders(redirect ? 302 : 404, -1);
          exchange.close();
        });
    server.start();
    return server;
  }
}
