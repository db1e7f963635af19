package io.shelfstream.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.filter.Filter;
import ch.qos.logback.core.read.ListAppender;
import io.shelfstream.HeldPort;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.outage.Deadline;
import io.shelfstream.outage.GaveUpException;
import io.shelfstream.topology.RecognitionService;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.kafka.common.KafkaException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** A broker that is away at the start is waited for; one that refuses us is not. */
@ExtendWith(SharedBroker.class)
class BrokerWaitIT {
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final Duration ASKED = Duration.ofSeconds(3);
  private static final Logger OURS = (Logger) LoggerFactory.getLogger(BrokerWait.class);
  private static final Logger KAFKAS = (Logger) LoggerFactory.getLogger("org.apache.kafka.clients");

  @TempDir Path folder;

  private final ListAppender<ILoggingEvent> log = new ListAppender<>();

  /** What a user sees of Kafka's clients. */
  private final ListAppender<ILoggingEvent> warnings = new ListAppender<>();

  @BeforeEach
  void listen() {
    for (Filter<ILoggingEvent> filter : List.of(new QuietClients(), new HarmlessWarnings())) {
      filter.start(); // as in logback.xml
      warnings.addFilter(filter);
    }
    warnings.start();
    KAFKAS.addAppender(warnings);
    log.start();
    OURS.addAppender(log);
  }

  @AfterEach
  void stop() {
    KAFKAS.detachAppender(warnings);
    OURS.detachAppender(log);
  }

  @Test
  void aServiceBecomesReadyOnceItsBrokerIsThere() throws Exception {
    try (HeldPort port = new HeldPort();
        HeldPort controller = new HeldPort()) {
      String address = "127.0.0.1:" + port.number();
      CompletableFuture<RecognitionService> starting =
          CompletableFuture.supplyAsync(() -> RecognitionService.start(config(address, Map.of())));
      await(() -> !messages(Level.WARN).isEmpty());
      assertThat(messages(Level.WARN).get(0))
          .startsWith("Waiting for the broker " + address + ": nobody listens there")
          .contains("--bootstrap-server")
          .endsWith("Ctrl-C or SIGTERM end the wait");
      assertThat(starting).isNotDone();

      try (EmbeddedBroker broker =
              EmbeddedBroker.start(
                  folder.resolve("broker"), at(address, "127.0.0.1:" + controller.number()));
          RecognitionService service = starting.get(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        await(service::isReady);
        assertThat(messages(Level.INFO))
            .containsExactly("The broker " + address + " answers again; the wait is over");
        assertThat(warnings.list).noneMatch(event -> event.getLevel().isGreaterOrEqual(Level.WARN));
      }
    }
  }

  @Test
  void aServiceGivesUpAfterItsWaitAndSaysWhat() throws Exception {
    try (HeldPort port = new HeldPort()) {
      String address = "127.0.0.1:" + port.number();
      long began = System.nanoTime();

      assertThatThrownBy(
              () -> RecognitionService.start(config(address, Map.of("start.wait", "2s"))))
          .isInstanceOf(GaveUpException.class)
          .hasMessageStartingWith(
              "Gave up waiting for the broker " + address + " after 2 s (start.wait, --wait): ")
          .hasMessageContaining("nobody listens there");

      assertThat(Duration.ofNanos(System.nanoTime() - began))
          .isBetween(Duration.ofSeconds(2), Duration.ofSeconds(20));
      assertThat(warnings.list).isEmpty();
    }
  }

  /** As the program: exit code, and what stands on standard error. */
  @Test
  void theProgramGivesUpWithOne() throws Exception {
    try (HeldPort port = new HeldPort()) {
      Process program = program("--wait", "2s", "-b", "127.0.0.1:" + port.number());

      assertThat(program.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(program.exitValue()).isEqualTo(1);
      assertThat(errors()).contains("shelfstream: Gave up waiting for the broker 127.0.0.1:");
      assertThat(errors()).doesNotContain("NetworkClient");
    }
  }

  @Test
  void sigtermEndsTheWaitOfTheProgram() throws Exception {
    try (HeldPort port = new HeldPort()) {
      Process program = program("-b", "127.0.0.1:" + port.number());
      await(() -> errors().contains("Waiting for the broker") || !program.isAlive());
      assertThat(program.isAlive()).as(errors()).isTrue();

      program.destroy();

      assertThat(program.waitFor(10, TimeUnit.SECONDS)).isTrue();
      assertThat(program.exitValue()).isIn(0, 143);
    }
  }

  @Test
  void aNameWithoutAnAddressMayComeUp() {
    ShelfStreamConfig config = config("no-such-host.invalid:9092", Map.of("start.wait", "0s"));

    assertThatThrownBy(
            () -> BrokerWait.untilItAnswers(config, Deadline.in(Optional.of(Duration.ZERO))))
        .isInstanceOf(GaveUpException.class)
        .hasMessageContaining("no address is known for the name no-such-host.invalid");
  }

  @Test
  void oneBrokerOfSeveralIsEnough(EmbeddedBroker broker) throws Exception {
    try (HeldPort port = new HeldPort()) {
      BrokerWait.ask(
          config("127.0.0.1:" + port.number() + ", " + broker.bootstrapServers(), Map.of()),
          PATIENCE);
    }
    assertThat(warnings.list).isEmpty();
  }

  @Test
  void whatIsNoBrokerMayBecomeOne() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      assertThatThrownBy(
              () -> BrokerWait.ask(config("127.0.0.1:" + silent.getLocalPort(), Map.of()), ASKED))
          .isInstanceOf(BrokerAwayException.class)
          .hasMessageContaining("does not answer as a Kafka broker")
          .hasMessageContaining("kafka.security.protocol");
    }
    assertThat(warnings.list).isEmpty();
  }

  @Test
  void aListenerOfAnotherProtocolIsNamed(EmbeddedBroker broker) {
    for (String ours : List.of("SSL", "SASL_SSL", "SASL_PLAINTEXT")) {
      Map<String, String> settings = new HashMap<>(Map.of("kafka.security.protocol", ours));
      if (ours.startsWith("SASL")) {
        settings.put("kafka.sasl.mechanism", "PLAIN");
        settings.put(
            "kafka.sasl.jaas.config",
            "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" password=\"p\";");
      }
      assertThatThrownBy(() -> BrokerWait.ask(config(broker.bootstrapServers(), settings), ASKED))
          .as(ours)
          .isInstanceOf(KafkaException.class)
          .isNotInstanceOf(BrokerAwayException.class)
          .hasMessageContaining("kafka.security.protocol");
    }
  }

  /** As behind a container's network: the address in bootstrap.servers answers, no other does. */
  @Test
  void addressesThatTheBrokerNamesAndNobodyReachesAreNamed() throws Exception {
    try (HeldPort port = new HeldPort();
        HeldPort controller = new HeldPort();
        HeldPort nobody = new HeldPort()) {
      String address = "127.0.0.1:" + port.number();
      Map<String, String> settings = at(address, "127.0.0.1:" + controller.number());
      settings.put("advertised.listeners", "BROKER://127.0.0.1:" + nobody.number());
      try (EmbeddedBroker broker = EmbeddedBroker.start(folder.resolve("broker"), settings)) {
        assertThatThrownBy(() -> BrokerWait.ask(config(address, Map.of()), ASKED))
            .isInstanceOf(BrokerAwayException.class)
            .hasMessageContaining("it answers, but the addresses that it names")
            .hasMessageContaining("advertised.listeners");
        assertThat(warnings.list).isEmpty();
      }
    }
  }

  private static Map<String, String> at(String address, String controller) {
    Map<String, String> settings = new HashMap<>();
    settings.put(
        "listeners",
        "BROKER://%s,%s://%s".formatted(address, StorageDirectory.CONTROLLER_LISTENER, controller));
    settings.put("advertised.listeners", "BROKER://" + address);
    settings.put("controller.quorum.voters", "1@" + controller);
    return settings;
  }

  private ShelfStreamConfig config(String servers, Map<String, String> more) {
    Map<String, String> settings = new HashMap<>();
    settings.put("kafka.bootstrap.servers", servers);
    settings.put("state.dir", folder.resolve("state").toString());
    settings.put("models.dir", "src/test/resources/models/colour");
    settings.put("models.threads", "1");
    settings.putAll(more);
    return ShelfStreamConfig.loadWithModels(null, settings);
  }

  private Process program(String... options) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                "io.shelfstream.Main",
                "run",
                "--set",
                "models.dir=src/test/resources/models/colour"));
    command.addAll(List.of(options));
    return new ProcessBuilder(command).redirectError(errorFile().toFile()).start();
  }

  private Path errorFile() {
    return folder.resolve("errors");
  }

  private String errors() {
    try {
      return Files.readString(errorFile(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private List<String> messages(Level level) {
    return List.copyOf(log.list).stream()
        .filter(event -> event.getLevel() == level)
        .map(ILoggingEvent::getFormattedMessage)
        .toList();
  }

  private static void await(BooleanSupplier holds) throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!holds.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited for %s", PATIENCE).isLessThan(deadline);
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }
}
