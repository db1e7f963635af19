package io.shelfstream.broker;

import io.shelfstream.config.Role;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.config.TopicNames;
import io.shelfstream.messages.RecordLimits;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreateTopicsResult;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/** The topics of the contract on a broker. Kafka Streams makes only its internal topics itself. */
public final class Topics {
  /** Leaves the number of partitions to the broker's {@code num.partitions}. */
  public static final int BROKER_DEFAULT = -1;

  /** Leaves the number of copies to the broker's {@code default.replication.factor}. */
  public static final short BROKER_DEFAULT_COPIES = -1;

  /**
   * Largest record on the topics we write, in bytes. A dead letter contains its source and the
   * reason, so it may be larger than any record of a topic with Kafka's default of 1 MiB.
   */
  public static final int LARGEST_RECORD = 10 << 20;

  /**
   * Settings of the changelog of the frames in hand: few keys that are overwritten all the time,
   * and that must be read fast after a crash.
   */
  public static final Map<String, String> CHANGELOG =
      Map.of(
          TopicConfig.CLEANUP_POLICY_CONFIG,
          TopicConfig.CLEANUP_POLICY_COMPACT,
          TopicConfig.SEGMENT_BYTES_CONFIG,
          Integer.toString(16 << 20),
          TopicConfig.MIN_CLEANABLE_DIRTY_RATIO_CONFIG,
          "0.1",
          TopicConfig.DELETE_RETENTION_MS_CONFIG,
          "60000",
          TopicConfig.MAX_MESSAGE_BYTES_CONFIG,
          Integer.toString(LARGEST_RECORD));

  /** Kafka's default of max.message.bytes. */
  private static final int KAFKAS_LARGEST_RECORD = (1 << 20) + 12;

  private static final Duration APPEARING = Duration.ofSeconds(10);
  private static final Logger log = LoggerFactory.getLogger(Topics.class);

  private Topics() {}

  /**
   * Creates the missing topics, with the broker's default number of partitions and copies. Existing
   * topics are not changed; see {@link #create(Map, TopicNames, int, short)}.
   */
  public static void create(ShelfStreamConfig config) {
    create(config, BROKER_DEFAULT, BROKER_DEFAULT_COPIES);
  }

  /** The same for the topics that a role needs. */
  public static void create(ShelfStreamConfig config, Role role) {
    Map<String, Map<String, String>> settings = settings(config);
    settings.keySet().retainAll(role.topics(config));
    create(config, settings, BROKER_DEFAULT, BROKER_DEFAULT_COPIES);
  }

  /** The same with a number of partitions and copies for those that are created. */
  public static void create(ShelfStreamConfig config, int partitions, short replication) {
    create(config, settings(config), partitions, replication);
  }

  /** The changelog comes last: it gets as many partitions as the frames topic has. */
  private static void create(
      ShelfStreamConfig config,
      Map<String, Map<String, String>> wanted,
      int partitions,
      short replication) {
    String changelog = config.pendingFramesTopic();
    Map<String, String> ofChangelog = wanted.remove(changelog);
    create(config.kafka(), wanted, partitions, replication);
    if (ofChangelog != null) {
      int asMany = partitions(config, config.topics().frames());
      create(config.kafka(), Map.of(changelog, ofChangelog), asMany, replication);
      int has = partitions(config, changelog);
      if (has != asMany) {
        throw new KafkaException(
            ("Topic %s has %d partitions and %s has %d; they must be equal. After the number for frames"
                    + " was changed: stop all instances, delete %s, start again")
                .formatted(changelog, has, config.topics().frames(), asMany, changelog));
      }
    }
  }

  /**
   * A topic as it is and as it should be.
   *
   * @param wanted settings it needs beyond the broker's defaults
   * @param differing settings of an existing topic that differ from those wanted, with their values
   */
  public record Finding(
      String topic, boolean exists, Map<String, String> wanted, Map<String, String> differing) {}

  /**
   * The topics that are there and that we may see.
   *
   * @throws KafkaException when the broker does not answer in time or refuses
   */
  public static Set<String> present(ShelfStreamConfig config, Duration patience) {
    Map<String, Object> settings = new HashMap<>(config.kafka());
    settings.put("default.api.timeout.ms", (int) patience.toMillis());
    settings.put("request.timeout.ms", (int) patience.toMillis());
    try (QuietClients.Scope quiet = QuietClients.begin();
        Admin admin = Admin.create(settings)) {
      return present(admin, config.kafka());
    } catch (InterruptedException e) {
      throw new InterruptException("Interrupted while listing topics", e);
    }
  }

  /** Looks at every topic and changes nothing. */
  public static List<Finding> inspect(ShelfStreamConfig config) {
    List<Finding> findings = new ArrayList<>();
    try (Admin admin = Admin.create(new LinkedHashMap<>(config.kafka()))) {
      Set<String> present = present(admin, config.kafka());
      for (Map.Entry<String, Map<String, String>> topic : settings(config).entrySet()) {
        boolean exists = present.contains(topic.getKey());
        findings.add(
            new Finding(
                topic.getKey(),
                exists,
                topic.getValue(),
                exists ? differing(admin, topic.getKey(), topic.getValue()) : Map.of()));
      }
      return findings;
    } catch (InterruptedException e) {
      throw new InterruptException("Interrupted while looking at topics", e);
    }
  }

  private static Map<String, String> differing(
      Admin admin, String topic, Map<String, String> wanted) throws InterruptedException {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    try {
      Config seen = admin.describeConfigs(List.of(resource)).all().get().get(resource);
      Map<String, String> differing = new TreeMap<>();
      wanted.forEach(
          (key, value) -> {
            String is = seen == null ? "unknown" : seen.get(key).value();
            if (!value.equals(is)) {
              differing.put(key, is);
            }
          });
      return differing;
    } catch (ExecutionException e) {
      throw new KafkaException(
          "Settings of topic %s cannot be read: %s; the user needs DESCRIBE_CONFIGS on it"
              .formatted(topic, causeOf(e).getMessage()),
          causeOf(e));
    }
  }

  /**
   * Creates the missing topics. Existing topics are not changed. The log warns of one with another
   * clean-up policy than it should have: Kafka would then delete gallery vectors or keep every
   * frame.
   *
   * @param client settings of Kafka's clients, {@code bootstrap.servers} at least
   * @param partitions of each new topic, or {@link #BROKER_DEFAULT}
   * @param replication copies of each new topic, or {@link #BROKER_DEFAULT_COPIES}
   * @throws KafkaException when the broker does not answer or refuses, naming the topics
   */
  public static void create(
      Map<String, ?> client, TopicNames names, int partitions, short replication) {
    create(client, settings(names), partitions, replication);
  }

  private static void create(
      Map<String, ?> client,
      Map<String, Map<String, String>> wanted,
      int partitions,
      short replication) {
    try (Admin admin = Admin.create(new LinkedHashMap<>(client))) {
      Set<String> present = present(admin, client);
      Set<String> made = createMissing(admin, wanted, present, partitions, replication);
      awaitLeaders(admin, wanted.keySet().stream().filter(t -> !present.contains(t)).toList());
      List<String> existing = wanted.keySet().stream().filter(t -> !made.contains(t)).toList();
      warnOfOtherPolicies(admin, wanted, existing);
    } catch (InterruptedException e) {
      throw new InterruptException("Interrupted while making topics", e);
    }
  }

  private static Map<String, Map<String, String>> settings(ShelfStreamConfig config) {
    Map<String, Map<String, String>> settings = settings(config.topics());
    config.nextTopics().ifPresent(next -> settings.putAll(settings(next)));
    config
        .outputs()
        .topics()
        .forEach(
            t -> settings.put(t, settings.getOrDefault(config.topics().recognitions(), Map.of())));
    settings.put(config.pendingFramesTopic(), CHANGELOG);
    return settings;
  }

  /**
   * Kafka's id of a topic: a topic that was deleted and created again has another one.
   *
   * @throws KafkaException when the broker does not answer or has no such topic
   */
  public static String id(ShelfStreamConfig config, String topic) {
    return describe(config, topic).topicId().toString();
  }

  /**
   * Smallest allowed record limit of a topic, in bytes: enough for a dead letter with the longest
   * reason, and some reserve.
   */
  private static final int LEAST_RECORD = 64 << 10;

  /**
   * Largest record that may be written to each topic: the producer's {@code max.request.size} or
   * the topic's {@code max.message.bytes}, whichever is less. If we have no right to read the
   * settings of a topic, those that {@link #create} sets are assumed. The log warns of topics with
   * a lower limit than the producer: records for them are shortened.
   *
   * @throws KafkaException when the limit of a topic, or of the producer, is too low for any answer
   */
  public static RecordLimits limits(ShelfStreamConfig config, Role role) {
    Set<String> written = new LinkedHashSet<>();
    written.add(config.topics().deadLetters());
    if (role.recognizes()) {
      written.add(config.topics().recognitions());
      written.add(config.pendingFramesTopic());
      written.addAll(config.outputs().topics());
    }
    if (role.embeds()) {
      written.add(config.topics().galleryStatus());
      written.add(config.topics().galleryVectors());
    }
    int producer = producerLimit(config.kafka());
    require("kafka.producer.max.request.size", producer);
    Map<String, Integer> limits = new HashMap<>();
    try (Admin admin = Admin.create(new LinkedHashMap<>(config.kafka()))) {
      Map<String, Map<String, String>> wanted = settings(config);
      List<ConfigResource> resources =
          written.stream().map(t -> new ConfigResource(ConfigResource.Type.TOPIC, t)).toList();
      for (Map.Entry<ConfigResource, KafkaFuture<Config>> answer :
          admin.describeConfigs(resources).values().entrySet()) {
        String topic = answer.getKey().name();
        int takes = largestRecord(topic, answer.getValue(), wanted.getOrDefault(topic, Map.of()));
        require(TopicConfig.MAX_MESSAGE_BYTES_CONFIG + " of topic " + topic, takes);
        if (takes < KAFKAS_LARGEST_RECORD) {
          log.atWarn()
              .addKeyValue("topic", topic)
              .addKeyValue(TopicConfig.MAX_MESSAGE_BYTES_CONFIG, takes)
              .log("Topic takes only small records; what is written to it is shortened to that");
        }
        limits.put(topic, Math.min(takes, producer));
      }
    } catch (InterruptedException e) {
      throw new InterruptException("Interrupted while looking at topics", e);
    }
    int all = producer;
    return new RecordLimits(
        limits.getOrDefault(config.pendingFramesTopic(), all),
        limits.getOrDefault(config.topics().deadLetters(), all),
        limits.getOrDefault(config.topics().recognitions(), all),
        config.outputs().json().map(limits::get).orElse(all),
        config.outputs().epcis().map(limits::get).orElse(all));
  }

  private static void require(String name, int bytes) {
    if (bytes < LEAST_RECORD) {
      throw new KafkaException(
          "%s is %d bytes, too little for an answer to every record; set it to %d or more"
              .formatted(name, bytes, LEAST_RECORD));
    }
  }

  /** As Kafka Streams reads it: for producers, else for all clients. */
  private static int producerLimit(Map<String, ?> client) {
    for (String key : List.of("producer.max.request.size", "max.request.size")) {
      Object value = client.get(key);
      if (value != null) {
        return Integer.parseInt(value.toString().trim());
      }
    }
    return LARGEST_RECORD;
  }

  private static int largestRecord(
      String topic, KafkaFuture<Config> settings, Map<String, String> wanted)
      throws InterruptedException {
    String ofOurs =
        wanted.getOrDefault(
            TopicConfig.MAX_MESSAGE_BYTES_CONFIG, Integer.toString(KAFKAS_LARGEST_RECORD));
    try {
      ConfigEntry entry = settings.get().get(TopicConfig.MAX_MESSAGE_BYTES_CONFIG);
      return Integer.parseInt(entry == null ? ofOurs : entry.value());
    } catch (ExecutionException e) {
      // The service needs no right to read settings, and most brokers grant none.
      log.atDebug()
          .addKeyValue("topic", topic)
          .addKeyValue("reason", causeOf(e).getMessage())
          .log("Topic's max.message.bytes cannot be read");
      return Integer.parseInt(ofOurs);
    }
  }

  private static int partitions(ShelfStreamConfig config, String topic) {
    return describe(config, topic).partitions().size();
  }

  /** A broker that does not know a new topic yet is asked again. */
  private static TopicDescription describe(ShelfStreamConfig config, String topic) {
    long deadline = System.nanoTime() + APPEARING.toNanos();
    try (Admin admin = Admin.create(new LinkedHashMap<>(config.kafka()))) {
      while (true) {
        try {
          return admin
              .describeTopics(List.of(topic))
              .allTopicNames()
              .get()
              .values()
              .iterator()
              .next();
        } catch (ExecutionException e) {
          if (!(causeOf(e) instanceof UnknownTopicOrPartitionException)
              || System.nanoTime() > deadline) {
            throw new KafkaException(
                "Topic %s cannot be described: %s".formatted(topic, causeOf(e).getMessage()),
                causeOf(e));
          }
          TimeUnit.MILLISECONDS.sleep(50);
        }
      }
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
    // The history of the gallery: from it, photos can be embedded for another extractor.
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

  /**
   * A topic is created on the controller a moment before the brokers know it, each at its own time;
   * who is asked too early, such as by Kafka Streams, says that there is no such topic. So this
   * waits for the leaders of all partitions.
   */
  private static void awaitLeaders(Admin admin, Collection<String> topics)
      throws InterruptedException {
    long deadline = System.nanoTime() + APPEARING.toNanos();
    while (!topics.isEmpty() && !leadersKnow(admin, topics) && System.nanoTime() < deadline) {
      TimeUnit.MILLISECONDS.sleep(50);
    }
  }

  private static boolean leadersKnow(Admin admin, Collection<String> topics)
      throws InterruptedException {
    try {
      Map<TopicPartition, OffsetSpec> partitions = new HashMap<>();
      admin
          .describeTopics(topics)
          .allTopicNames()
          .get()
          .forEach(
              (topic, found) ->
                  found
                      .partitions()
                      .forEach(
                          p ->
                              partitions.put(
                                  new TopicPartition(topic, p.partition()), OffsetSpec.latest())));
      int patience = Math.toIntExact(APPEARING.toMillis());
      admin.listOffsets(partitions, new ListOffsetsOptions().timeoutMs(patience)).all().get();
      return true;
    } catch (ExecutionException e) {
      log.atDebug().setCause(causeOf(e)).log("New topics are not known everywhere yet");
      return false;
    }
  }

  /** Returns the topics that did not exist. */
  private static Set<String> createMissing(
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
    Set<String> made = new HashSet<>();
    for (Map.Entry<String, KafkaFuture<Void>> topic : result.values().entrySet()) {
      try {
        topic.getValue().get();
        made.add(topic.getKey());
        log.atInfo().addKeyValue("topic", topic.getKey()).log("Topic created");
      } catch (ExecutionException e) {
        // Another instance that started at the same time has created it.
        if (!(causeOf(e) instanceof TopicExistsException)) {
          throw new KafkaException(
              "Topic %s cannot be made: %s; make it by hand with %s"
                  .formatted(topic.getKey(), causeOf(e).getMessage(), wanted.get(topic.getKey())),
              causeOf(e));
        }
      }
    }
    return made;
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
        // The service needs no right to read settings, and most brokers grant none.
        boolean isOurs = !(causeOf(e) instanceof AuthorizationException);
        log.atLevel(isOurs ? Level.WARN : Level.DEBUG)
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
