package io.shelfstream.broker;

import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.topology.TopicNames;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.CreateTopicsResult;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The topics of the contract on a broker. Kafka Streams makes only its internal topics itself. */
public final class Topics {
  /** Leaves the number of partitions to the broker's {@code num.partitions}. */
  public static final int BROKER_DEFAULT = -1;

  /** Leaves the number of copies to the broker's {@code default.replication.factor}. */
  public static final short BROKER_DEFAULT_COPIES = -1;

  /**
   * Largest record on the topics we write, in bytes. A dead letter is its source and the reason,
   * and so larger than any record that a topic with Kafka's default of 1 MiB let in.
   */
  public static final int LARGEST_RECORD = 10 << 20;

  private static final Logger log = LoggerFactory.getLogger(Topics.class);

  private Topics() {}

  /**
   * Makes the topics that are missing, with the partitions and copies that the broker gives by
   * default. Those that exist stay as they are; see {@link #create(Map, TopicNames, int, short)}.
   */
  public static void create(ShelfStreamConfig config) {
    create(config.kafka(), config.topics(), BROKER_DEFAULT, BROKER_DEFAULT_COPIES);
  }

  /**
   * Makes the topics that are missing. One that exists stays as it is; when its clean-up policy is
   * not the contract's, the log warns, for Kafka would then delete gallery vectors or keep every
   * frame.
   *
   * @param client settings of Kafka's clients, {@code bootstrap.servers} at least
   * @param partitions of each new topic, or {@link #BROKER_DEFAULT}
   * @param replication copies of each new topic, or {@link #BROKER_DEFAULT_COPIES}
   * @throws KafkaException when the broker does not answer or refuses, naming the topics
   */
  public static void create(
      Map<String, ?> client, TopicNames names, int partitions, short replication) {
    Map<String, Map<String, String>> wanted = settings(names);
    try (Admin admin = Admin.create(new LinkedHashMap<>(client))) {
      Set<String> present = present(admin, client);
      createMissing(admin, wanted, present, partitions, replication);
      List<String> existing = wanted.keySet().stream().filter(present::contains).toList();
      warnOfOtherPolicies(admin, wanted, existing);
    } catch (InterruptedException e) {
      throw new InterruptException("Interrupted while making topics", e);
    }
  }

  /**
   * Kafka's id of a topic: one that was deleted and made again has another.
   *
   * @throws KafkaException when the broker does not answer or has no such topic
   */
  public static String id(ShelfStreamConfig config, String topic) {
    try (Admin admin = Admin.create(new LinkedHashMap<>(config.kafka()))) {
      return admin
          .describeTopics(List.of(topic))
          .allTopicNames()
          .get()
          .values()
          .iterator()
          .next()
          .topicId()
          .toString();
    } catch (ExecutionException e) {
      throw new KafkaException(
          "Topic %s cannot be described: %s".formatted(topic, causeOf(e).getMessage()), causeOf(e));
    } catch (InterruptedException e) {
      throw new InterruptException("Interrupted while describing topic " + topic, e);
    }
  }

  /** What each topic needs beyond the broker's defaults. */
  private static Map<String, Map<String, String>> settings(TopicNames names) {
    Map<String, String> delete =
        Map.of(TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_DELETE);
    Map<String, Map<String, String>> settings = new LinkedHashMap<>();
    names.all().forEach(name -> settings.put(name, delete));
    // The history of the gallery: from it, vectors of another extractor can be made again.
    settings.put(
        names.galleryUpdates(),
        Map.of(
            TopicConfig.CLEANUP_POLICY_CONFIG,
            TopicConfig.CLEANUP_POLICY_DELETE,
            TopicConfig.RETENTION_MS_CONFIG,
            "-1"));
    Map<String, String> large =
        Map.of(
            TopicConfig.CLEANUP_POLICY_CONFIG,
            TopicConfig.CLEANUP_POLICY_DELETE,
            TopicConfig.MAX_MESSAGE_BYTES_CONFIG,
            String.valueOf(LARGEST_RECORD));
    settings.put(names.recognitions(), large);
    settings.put(names.deadLetters(), large);
    settings.put(
        names.galleryVectors(),
        Map.of(TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_COMPACT));
    return settings;
  }

  private static Set<String> present(Admin admin, Map<String, ?> client)
      throws InterruptedException {
    try {
      return admin.listTopics().names().get();
    } catch (ExecutionException e) {
      throw new KafkaException(
          "Topics cannot be listed on %s: %s; check kafka.bootstrap.servers and the broker"
              .formatted(client.get("bootstrap.servers"), causeOf(e).getMessage()),
          causeOf(e));
    }
  }

  private static void createMissing(
      Admin admin,
      Map<String, Map<String, String>> wanted,
      Collection<String> present,
      int partitions,
      short replication)
      throws InterruptedException {
    List<NewTopic> missing = new ArrayList<>();
    wanted.forEach(
        (name, settings) -> {
          if (!present.contains(name)) {
            missing.add(new NewTopic(name, partitions, replication).configs(settings));
          }
        });
    CreateTopicsResult result = admin.createTopics(missing);
    for (Map.Entry<String, KafkaFuture<Void>> topic : result.values().entrySet()) {
      try {
        topic.getValue().get();
        log.atInfo().addKeyValue("topic", topic.getKey()).log("Topic created");
      } catch (ExecutionException e) {
        // Another instance starts at the same time, and was first.
        if (!(causeOf(e) instanceof TopicExistsException)) {
          throw new KafkaException(
              "Topic %s cannot be made: %s; make it by hand with %s"
                  .formatted(topic.getKey(), causeOf(e).getMessage(), wanted.get(topic.getKey())),
              causeOf(e));
        }
      }
    }
  }

  private static void warnOfOtherPolicies(
      Admin admin, Map<String, Map<String, String>> wanted, List<String> existing)
      throws InterruptedException {
    List<ConfigResource> resources =
        existing.stream().map(t -> new ConfigResource(ConfigResource.Type.TOPIC, t)).toList();
    for (Map.Entry<ConfigResource, KafkaFuture<Config>> answer :
        admin.describeConfigs(resources).values().entrySet()) {
      String topic = answer.getKey().name();
      String policy = wanted.getOrDefault(topic, Map.of()).get(TopicConfig.CLEANUP_POLICY_CONFIG);
      try {
        String seen = answer.getValue().get().get(TopicConfig.CLEANUP_POLICY_CONFIG).value();
        if (!seen.equals(policy)) {
          log.atWarn()
              .addKeyValue("topic", topic)
              .addKeyValue("seen", seen)
              .addKeyValue("expected", policy)
              .log("Topic has another cleanup.policy than its records need; change it");
        }
      } catch (ExecutionException e) {
        log.atWarn()
            .addKeyValue("topic", topic)
            .addKeyValue("reason", causeOf(e).getMessage())
            .log("Topic's cleanup.policy cannot be checked");
      }
    }
  }

  private static Throwable causeOf(ExecutionException e) {
    return Objects.requireNonNullElse(e.getCause(), e);
  }
}
