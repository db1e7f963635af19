package io.shelfstream.bench;

import io.shelfstream.config.ShelfStreamConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;

/**
 * Three brokers, each also a controller, and three instances of ShelfStream, each on a host of its
 * own; every topic is on all brokers, and two of them must have a record before it counts as
 * written. This JVM is outside of them.
 */
final class Cluster implements AutoCloseable {
  static final int PARTITIONS = 6;
  private static final int SIZE = 3;
  private static final int BROKER = 9092;
  private static final int CONTROLLER = 9093;
  private static final String HOME = System.getProperty("shelfstream.home");

  private final Path folder;
  private final Path logs;
  private final Network network = new Network();
  private final List<Network.Host> brokerHosts = new ArrayList<>();
  private final List<Program> brokers = new ArrayList<>();
  private final List<Instance> instances = new ArrayList<>();
  private final List<Path> configs = new ArrayList<>();
  private final Admin admin;

  /**
   * Starts the brokers and makes the topics; no instance runs yet.
   *
   * @param folder for data, empty
   * @param logs folder of what the processes say
   * @param release that makes the topics, unpacked
   */
  Cluster(Path folder, Path logs, Path release) throws Exception {
    this.folder = folder;
    this.logs = logs;
    try {
      startBrokers();
      for (int i = 1; i <= SIZE; i++) {
        addInstance("instance" + i);
      }
      makeTopics(release);
      Map<String, Object> client = new HashMap<>();
      client.put("bootstrap.servers", bootstrap());
      client.put("request.timeout.ms", 2000); // one of the brokers may be cut off
      client.put("default.api.timeout.ms", 10_000);
      admin = Admin.create(client);
    } catch (Exception e) {
      stopAll();
      throw e;
    }
  }

  private void startBrokers() throws Exception {
    for (int i = 0; i < SIZE; i++) {
      brokerHosts.add(network.host());
    }
    String id = Uuid.randomUuid().toString();
    String voters =
        IntStream.rangeClosed(1, SIZE)
            .mapToObj(i -> i + "@" + brokerHosts.get(i - 1).address() + ":" + CONTROLLER)
            .collect(Collectors.joining(","));
    for (int i = 1; i <= SIZE; i++) {
      Network.Host host = brokerHosts.get(i - 1);
      Path log = logs.resolve("broker" + i + ".log");
      String broker = "BROKER://" + host.address() + ":" + BROKER;
      brokers.add(
          Program.java(
              host.prefix(),
              log,
              "-DSHELFSTREAM_LOG_LEVEL=WARN",
              "io.shelfstream.bench.ClusterNode",
              Integer.toString(i),
              folder.resolve("broker" + i).toString(),
              id,
              "controller.quorum.voters=" + voters,
              "listeners=" + broker + ",CONTROLLER://" + host.address() + ":" + CONTROLLER,
              "advertised.listeners=" + broker,
              "default.replication.factor=" + SIZE,
              "min.insync.replicas=2",
              "offsets.topic.replication.factor=" + SIZE,
              "offsets.topic.num.partitions=" + SIZE,
              "transaction.state.log.replication.factor=" + SIZE,
              "transaction.state.log.min.isr=2",
              "transaction.state.log.num.partitions=" + SIZE,
              // Kafka's own, instead of the embedded broker's.
              "group.initial.rebalance.delay.ms=3000",
              "transaction.abort.timed.out.transaction.cleanup.interval.ms=10000"));
    }
    for (Program broker : brokers) {
      broker.line(); // each waits for the other controllers
    }
  }

  /** One more that is not started; with an empty disk. */
  Instance addInstance(String name) throws Exception {
    Path own = Files.createDirectories(folder.resolve(name));
    Path config = own.resolve("shelfstream.properties");
    List<String> lines = new ArrayList<>();
    settings(own).forEach((key, value) -> lines.add(key + " = " + value));
    Files.write(config, lines);
    Instance instance = new Instance(name, network.host(), config, logs);
    instances.add(instance);
    configs.add(config);
    return instance;
  }

  private Map<String, String> settings(Path own) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("kafka.bootstrap.servers", bootstrap());
    settings.put("images.allowed.roots", Path.of(HOME, "demo-data").toString());
    settings.put("state.dir", own.resolve("state").toString());
    settings.put("index.snapshot.dir", own.resolve("snapshots").toString());
    settings.put("http.host", "0.0.0.0");
    settings.put("http.port", Integer.toString(Instance.PORT));
    settings.put("http.auth", "none");
    return settings;
  }

  private void makeTopics(Path release) throws Exception {
    shelfstream(release, "topics", "--partitions", "" + PARTITIONS, "--replication", "" + SIZE);
  }

  /**
   * A command of a release, from outside; waits for its end.
   *
   * @param release the folder of an unpacked one
   */
  void shelfstream(Path release, String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("env", "SHELFSTREAM_HEAP=128m"));
    command.add(release.resolve("bin/shelfstream").toString());
    command.addAll(List.of(arguments));
    command.addAll(List.of("--config", configs.get(0).toString()));
    try (Program program = new Program(command, logs.resolve("command.log"))) {
      program.output();
    }
  }

  String bootstrap() {
    return brokerHosts.stream()
        .map(host -> host.address() + ":" + BROKER)
        .collect(Collectors.joining(","));
  }

  ShelfStreamConfig config() {
    return ShelfStreamConfig.load(configs.get(0), Map.of());
  }

  List<Instance> instances() {
    return instances;
  }

  /** Starts all instances and waits until each has partitions. */
  void startInstances(Path release) throws Exception {
    for (Instance instance : instances) {
      instance.start(release);
    }
    for (Instance instance : instances) {
      instance.awaitReady();
    }
    awaitSpread();
  }

  /** Seconds until every instance has partitions of the frames topic, and all of them are had. */
  double awaitSpread() throws Exception {
    return await(
        "every instance has partitions",
        () -> {
          Map<String, Set<Integer>> had = partitions();
          return instances.stream().allMatch(i -> had.containsKey(i.host().address()))
              && had.values().stream().mapToInt(Set::size).sum() == PARTITIONS;
        });
  }

  /** Seconds until all partitions of the frames topic are with others. */
  double awaitWithout(Instance cut) throws Exception {
    return await(
        "the others have all partitions",
        () -> {
          Map<String, Set<Integer>> had = partitions();
          return !had.containsKey(cut.host().address())
              && had.values().stream().mapToInt(Set::size).sum() == PARTITIONS;
        });
  }

  /** Seconds until so many brokers are not fenced. */
  double awaitBrokers(int count) throws Exception {
    return await(
        count + " brokers take part", () -> admin.describeCluster().nodes().get().size() == count);
  }

  /** Seconds until every broker has every record of every topic. */
  double awaitInSync() throws Exception {
    return await(
        "every partition is in sync on all brokers",
        () -> {
          Set<String> topics = admin.listTopics().names().get();
          for (TopicDescription topic :
              admin.describeTopics(topics).allTopicNames().get().values()) {
            if (topic.partitions().stream().anyMatch(p -> p.isr().size() < SIZE)) {
              return false;
            }
          }
          return true;
        });
  }

  /** Something that becomes true. */
  interface Condition {
    boolean holds() throws Exception;
  }

  /** Seconds until it holds; at most five minutes. */
  static double await(String what, Condition condition) throws Exception {
    long start = System.nanoTime();
    while (!holds(condition)) {
      if (System.nanoTime() - start > TimeUnit.MINUTES.toNanos(5)) {
        throw new IllegalStateException("Not within 5 minutes: " + what);
      }
      TimeUnit.MILLISECONDS.sleep(100);
    }
    return (System.nanoTime() - start) / 1e9;
  }

  private static boolean holds(Condition condition) throws Exception {
    try {
      return condition.holds();
    } catch (ExecutionException | IOException e) {
      return false; // who was asked cannot be reached now
    }
  }

  /**
   * Partitions of the frames topic by the address of the instance that has them, as the group says;
   * empty during a rebalance.
   */
  Map<String, Set<Integer>> partitions() throws Exception {
    ConsumerGroupDescription group = group();
    Map<String, Set<Integer>> partitions = new HashMap<>();
    if (group.groupState() != GroupState.STABLE) {
      return partitions;
    }
    String frames = config().topics().frames();
    for (MemberDescription member : group.members()) {
      for (TopicPartition partition : member.assignment().topicPartitions()) {
        if (partition.topic().equals(frames)) {
          partitions
              .computeIfAbsent(member.host().substring(1), host -> new TreeSet<>())
              .add(partition.partition());
        }
      }
    }
    return partitions;
  }

  private ConsumerGroupDescription group() throws Exception {
    String id = config().applicationId();
    return admin.describeConsumerGroups(List.of(id)).all().get().values().iterator().next();
  }

  /** The host of the broker that coordinates the instances. */
  Network.Host coordinator() throws Exception {
    return brokerHosts.get(group().coordinator().id() - 1);
  }

  private void stopAll() {
    instances.forEach(Instance::close);
    brokers.forEach(Program::close);
    network.close();
  }

  @Override
  public void close() {
    admin.close();
    stopAll();
  }
}
