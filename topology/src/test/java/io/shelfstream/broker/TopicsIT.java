package io.shelfstream.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.shelfstream.cli.ShelfStreamCommand;
import io.shelfstream.config.TopicNames;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.slf4j.LoggerFactory;

@ExtendWith(SharedBroker.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TopicsIT {
  private static final Logger LOGGER = (Logger) LoggerFactory.getLogger(Topics.class);

  private final ListAppender<ILoggingEvent> log = new ListAppender<>();
  private final EmbeddedBroker broker;
  private final Map<String, Object> client;
  private final Admin admin;

  TopicsIT(EmbeddedBroker broker) {
    this.broker = broker;
    this.client = Map.of("bootstrap.servers", broker.bootstrapServers());
    this.admin = Admin.create(client);
  }

  @AfterAll
  void stop() {
    admin.close();
  }

  @BeforeEach
  void listen() {
    log.list.clear();
    log.start();
    LOGGER.addAppender(log);
  }

  @AfterEach
  void stopListening() {
    LOGGER.detachAppender(log);
  }

  @Test
  void givesEachTopicTheCleanUpItsRecordsNeed() throws Exception {
    TopicNames names = names("fresh");

    Topics.create(client, names, 3, (short) 1);

    assertThat(setting(names.galleryVectors(), "cleanup.policy")).isEqualTo("compact");
    assertThat(setting(names.galleryUpdates(), "cleanup.policy")).isEqualTo("delete");
    assertThat(setting(names.galleryUpdates(), "retention.ms")).isEqualTo("-1");
    for (String topic :
        List.of(names.frames(), names.recognitions(), names.galleryStatus(), names.deadLetters())) {
      assertThat(setting(topic, "cleanup.policy")).as(topic).isEqualTo("delete");
    }
    assertThat(admin.describeTopics(names.all()).allTopicNames().get().values())
        .hasSize(6)
        .allSatisfy(topic -> assertThat(topic.partitions()).hasSize(3));
  }

  @Test
  void leavesTopicsThatExistAsTheyAre() throws Exception {
    TopicNames names = names("again");
    Topics.create(client, names, 2, (short) 1);
    log.list.clear();

    Topics.create(client, names, 5, Topics.BROKER_DEFAULT_COPIES);

    assertThat(log.list).isEmpty();
    assertThat(admin.describeTopics(List.of(names.frames())).allTopicNames().get().values())
        .singleElement()
        .satisfies(topic -> assertThat(topic.partitions()).hasSize(2));
  }

  @Test
  void makesOnlyWhatIsMissingAndWarnsOfAnotherCleanUp() throws Exception {
    TopicNames names = names("partly");
    admin.createTopics(List.of(new NewTopic(names.galleryVectors(), 1, (short) 1))).all().get();

    Topics.create(client, names, Topics.BROKER_DEFAULT, Topics.BROKER_DEFAULT_COPIES);

    assertThat(admin.listTopics().names().get()).containsAll(names.all());
    assertThat(log.list)
        .filteredOn(event -> event.getLevel() == Level.WARN)
        .singleElement()
        .satisfies(
            event ->
                assertThat(event.getKeyValuePairs().toString())
                    .contains(names.galleryVectors(), "delete", "compact"));
  }

  @Test
  void namesTheTopicThatTheBrokerRefuses() {
    TopicNames names = names("refused");

    assertThatThrownBy(() -> Topics.create(client, names, 1, (short) 2))
        .isInstanceOf(KafkaException.class)
        .hasMessageStartingWith("Topic refused.")
        .hasMessageContaining("by hand");
  }

  @Test
  void saysWhichBrokerDoesNotAnswer() {
    Map<String, Object> nobody = new HashMap<>();
    nobody.put("bootstrap.servers", "127.0.0.1:9");
    nobody.put("default.api.timeout.ms", "400");
    nobody.put("request.timeout.ms", "300");

    assertThatThrownBy(() -> Topics.create(nobody, names("x"), 1, (short) 1))
        .isInstanceOf(KafkaException.class)
        .hasMessageContaining("127.0.0.1:9")
        .hasMessageContaining("kafka.bootstrap.servers");
  }

  @Test
  void theCommandMakesTopicsOnceAndOnlySaysSoWhenDry() throws Exception {
    String[] dry = command("cli", "--dry-run");
    String[] real = command("cli", "--partitions", "2");

    assertThat(said(0, dry))
        .contains("cli.gallery.vectors")
        .contains("would be made {cleanup.policy=compact}");
    assertThat(admin.listTopics().names().get()).doesNotContain("cli.frames", "cli.json");

    assertThat(said(0, real)).contains("cli.json").doesNotContain(" ok", "would");
    assertThat(admin.listTopics().names().get()).contains("cli.frames", "cli.json");
    assertThat(said(0, real)).doesNotContain("made");
  }

  @Test
  void theCommandReportsATopicWithOtherSettings() throws Exception {
    admin.createTopics(List.of(new NewTopic("other.gallery.vectors", 1, (short) 1))).all().get();

    assertThat(said(1, command("other")))
        .contains("differs: has {cleanup.policy=delete}; set {cleanup.policy=compact}");
  }

  private String[] command(String prefix, String... more) {
    List<String> words = new ArrayList<>(List.of("topics", "-b", broker.bootstrapServers()));
    for (String topic :
        List.of("frames", "recognitions", "gallery.updates", "gallery.vectors", "gallery.status")) {
      words.addAll(List.of("--set", "topics." + topic + "=" + prefix + "." + topic));
    }
    words.addAll(List.of("--set", "application.id=" + prefix)); // names the changelog
    words.addAll(List.of("--set", "topics.dead.letters=" + prefix + ".dead-letters"));
    words.addAll(List.of("--set", "topics.recognitions.json=" + prefix + ".json"));
    words.addAll(List.of(more));
    return words.toArray(new String[0]);
  }

  private static String said(int exitCode, String... command) {
    PrintStream before = System.out;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    try {
      assertThat(ShelfStreamCommand.run(command)).isEqualTo(exitCode);
    } finally {
      System.setOut(before);
    }
    return out.toString(StandardCharsets.UTF_8);
  }

  private String setting(String topic, String key) throws ExecutionException, InterruptedException {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    return admin
        .describeConfigs(List.of(resource))
        .values()
        .values()
        .iterator()
        .next()
        .get()
        .get(key)
        .value();
  }

  private static TopicNames names(String prefix) {
    return new TopicNames(
        prefix + ".frames",
        prefix + ".recognitions",
        prefix + ".gallery.updates",
        prefix + ".gallery.vectors",
        prefix + ".gallery.status",
        prefix + ".dead-letters");
  }
}
