package io.shelfstream.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.broker.Topics;
import io.shelfstream.config.ShelfStreamConfig;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Commands pass over what anybody may write to the topics they read, and say where it lies. */
@ExtendWith(SharedBroker.class)
class HostileRecordsIT {
  private static final String PREFIX = "HostileRecordsIT.";
  private static final List<String> HEADERS =
      List.of(
          "shelf.error.class",
          "shelf.error.message",
          "shelf.error.stage",
          "shelf.source.topic",
          "shelf.source.offset",
          "shelf.attempt",
          "__value_schema_id",
          "content-type");

  private final PrintStream stdout = System.out;
  private final PrintStream stderr = System.err;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final Random random = new Random(14);
  private Path settings;
  private ShelfStreamConfig config;

  @BeforeEach
  void start(EmbeddedBroker broker, @TempDir Path folder) throws Exception {
    settings =
        Files.writeString(
            folder.resolve("my.properties"),
            String.join(
                "\n",
                "kafka.bootstrap.servers = " + broker.bootstrapServers(),
                "models.dir = src/test/resources/models/colour",
                "application.id = " + PREFIX + "app",
                "topics.frames = " + PREFIX + "frames",
                "topics.recognitions = " + PREFIX + "recognitions",
                "topics.gallery.updates = " + PREFIX + "updates",
                "topics.gallery.vectors = " + PREFIX + "vectors",
                "topics.gallery.status = " + PREFIX + "status",
                "topics.dead.letters = " + PREFIX + "dead-letters"));
    config = ShelfStreamConfig.loadWithModels(settings, Map.of());
    Topics.create(config);
    System.setOut(new PrintStream(out, true, UTF_8));
    System.setErr(new PrintStream(err, true, UTF_8));
  }

  @AfterEach
  void restore() {
    System.setOut(stdout);
    System.setErr(stderr);
  }

  private int command(String... arguments) {
    out.reset();
    err.reset();
    return ShelfStreamCommand.run(arguments);
  }

  private byte @Nullable [] bytes() {
    return switch (random.nextInt(6)) {
      case 0 -> null;
      case 1 -> new byte[0];
      case 2 -> "\u001B[2J\nc".getBytes(UTF_8);
      case 3 -> new byte[] {0, 0, 0, 0, 1, 9, 9};
      case 4 -> "k".repeat(100_000).getBytes(UTF_8);
      default -> {
        byte[] some = new byte[random.nextInt(2000)];
        random.nextBytes(some);
        yield some;
      }
    };
  }

  /** As many as are asked for, the last one with this key. */
  private void publish(String topic, int count, boolean keyed) {
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            config.kafka().entrySet().stream()
                .collect(
                    java.util.stream.Collectors.toMap(e -> e.getKey(), e -> (Object) e.getValue())),
            new ByteArraySerializer(),
            new ByteArraySerializer())) {
      for (int i = 0; i < count; i++) {
        RecordHeaders headers = new RecordHeaders();
        for (int h = random.nextInt(10); h > 0; h--) {
          headers.add(HEADERS.get(random.nextInt(HEADERS.size())), bytes());
        }
        byte[] key = keyed ? ("photo-" + i).getBytes(UTF_8) : bytes();
        byte[] value = keyed ? new byte[] {1, (byte) i} : bytes();
        producer.send(new ProducerRecord<>(topic, null, null, key, value, headers));
      }
    }
  }

  @Test
  void watchShowsDeadLettersAndPassesOverTheRest() {
    publish(config.topics().recognitions(), 200, false);
    publish(config.topics().deadLetters(), 200, false);

    int code = command("watch", "-c", "" + settings, "--from-beginning", "-n", "200");

    assertThat(code).isZero();
    assertThat(out.toString(UTF_8).lines())
        .hasSize(200)
        .allMatch(l -> l.startsWith("dead letter  ") && l.length() < 20_000)
        .allMatch(l -> l.contains("here " + config.topics().deadLetters() + "-"));
    assertThat(out.toString(UTF_8)).doesNotContain("\u001B");
    assertThat(err.toString(UTF_8))
        .contains("unreadable event at " + config.topics().recognitions() + "-", " offset ")
        .contains("unreadable event, passed over: ")
        .doesNotContain("\u001B");
  }

  @Test
  void listAndExportNameTheFirstAndCountTheOthers() {
    publish(config.topics().galleryVectors(), 50, true);

    assertThat(command("gallery", "list", "-c", "" + settings)).isZero();
    assertThat(out.toString(UTF_8)).isEmpty();
    assertThat(err.toString(UTF_8))
        .contains("key 'photo-", "there are more, which are only counted")
        .contains("unreadable gallery vector, passed over: 50", "0 photos of 0 products");
    assertThat(err.toString(UTF_8).lines().filter(l -> l.contains("unreadable"))).hasSize(22);

    Path file = settings.resolveSibling("all.avro");
    assertThat(command("gallery", "export", "-c", "" + settings, "" + file)).isZero();
    assertThat(out.toString(UTF_8)).contains("exported 0 photos");
  }

  @Test
  void addGoesOnWaitingForItsOwnAnswer() throws Exception {
    CompletableFuture<Integer> add =
        CompletableFuture.supplyAsync(
            () ->
                command(
                    "gallery",
                    "add",
                    "-c",
                    "" + settings,
                    "--timeout",
                    "4",
                    "--product",
                    "p",
                    "data:,x"));
    for (int i = 0; i < 5; i++) {
      TimeUnit.MILLISECONDS.sleep(500);
      publish(config.topics().galleryStatus(), 20, false);
    }
    assertThat(add.get(60, TimeUnit.SECONDS)).isEqualTo(1);
    assertThat(err.toString(UTF_8)).contains("unreadable gallery status at ", "passed over: ");
    assertThat(out.toString(UTF_8)).contains("without an answer 1");
  }
}
