package io.shelfstream.bench;

import io.shelfstream.broker.Topics;
import io.shelfstream.config.ShelfStreamConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Main class of {@code deploy/bench faults}; the script says what the checks are. */
final class FaultsBench {
  private static final List<String> CHECKS =
      List.of("kill", "rebalance", "hole", "freeze", "models", "poison");
  private static final List<String> GUARANTEES = List.of("exactly_once_v2", "at_least_once");
  private static final int PARTITIONS = 4;
  private static final int CAMERAS = 8;
  private static final int PER_SECOND = 400;

  /** Looks at memory during a run. */
  private static final int SAMPLES = 40;

  private final Path target;
  private final Path folder;
  private final Path errors;
  private final Results results;
  private final long seed;
  private final boolean quick;
  private final AtomicInteger runs = new AtomicInteger();

  private FaultsBench(Path target, Path folder, Results results, long seed, boolean quick) {
    this.target = target;
    this.folder = folder;
    this.errors = target.resolve("faults-children.log");
    this.results = results;
    this.seed = seed;
    this.quick = quick;
  }

  public static void main(String[] arguments) throws Exception {
    List<String> checks = new ArrayList<>(List.of(arguments));
    boolean quick = checks.remove("--quick");
    long seed = new Random().nextInt(1_000_000);
    int at = checks.indexOf("--seed");
    if (at >= 0) {
      seed = Long.parseLong(checks.get(at + 1));
      checks.subList(at, at + 2).clear();
    }
    if (!CHECKS.containsAll(checks)) {
      System.err.println("bench faults: unknown check in " + checks + "; checks: " + CHECKS);
      System.exit(2);
    }
    Path target = Files.createDirectories(Path.of(System.getProperty("bench.target")));
    Path folder = Files.createTempDirectory(target, "faults-");
    Results results = new Results("faults");
    System.out.println("seed " + seed);
    try {
      FaultsBench bench = new FaultsBench(target, folder, results, seed, quick);
      System.out.println("what the children say: " + bench.errors);
      for (String check : checks.isEmpty() ? CHECKS : checks) {
        bench.run(check);
      }
    } finally {
      Folders.delete(folder);
    }
    System.exit(results.finish(target.resolve("faults.json")));
  }

  private void run(String check) throws Exception {
    switch (check) {
      case "kill" -> onOneBroker(broker -> sideBySide(GUARANTEES, g -> kill(broker, g)));
      case "rebalance" -> onOneBroker(broker -> sideBySide(GUARANTEES, g -> rebalance(broker, g)));
      case "hole" -> sideBySide(GUARANTEES, this::hole);
      case "freeze" -> onOneBroker(this::freeze);
      case "poison" -> sideBySide(GUARANTEES, g -> onOneBroker(broker -> poison(broker, g)));
      default -> onOneBroker(broker -> sideBySide(GUARANTEES, g -> models(broker, g)));
    }
  }

  private interface Check {
    void run(String name) throws Exception;
  }

  private void onOneBroker(Check check) throws Exception {
    int[] ports = ports();
    try (Program broker = node(1, runs.getAndIncrement(), Uuid.randomUuid().toString(), ports)) {
      broker.line();
      check.run("127.0.0.1:" + ports[0]);
    }
  }

  /** Both guarantees at a time: most of a cycle is waiting. */
  private static void sideBySide(List<String> guarantees, Check check) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(guarantees.size());
    try {
      List<Future<?>> running = new ArrayList<>();
      for (String guarantee : guarantees) {
        running.add(
            threads.submit(
                () -> {
                  check.run(guarantee);
                  return guarantee;
                }));
      }
      for (Future<?> one : running) {
        one.get();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  /** kill -9 mid-work, again and again. */
  private void kill(String bootstrap, String guarantee) throws Exception {
    Settings settings = new Settings(bootstrap, guarantee);
    settings.makeTopics();
    Random random = new Random(seed);
    int cycles = quick ? 3 : 30;
    try (Traffic traffic = settings.traffic(PER_SECOND)) {
      for (int i = 0; i < cycles; i++) {
        try (Program application = settings.start()) {
          traffic.awaitAnswers(50 + random.nextInt(500));
          TimeUnit.MILLISECONDS.sleep(random.nextInt(200));
          application.kill();
          tell("kill", guarantee, i, cycles, traffic);
        }
      }
      try (Program last = settings.start()) {
        judge("kill", guarantee, cycles, traffic.finish(), settings.sums(last));
      }
    }
  }

  /** A second instance joins and leaves, again and again. */
  private void rebalance(String bootstrap, String guarantee) throws Exception {
    Settings settings = new Settings(bootstrap, guarantee);
    settings.makeTopics();
    Random random = new Random(seed);
    int cycles = quick ? 3 : 20;
    try (Program first = settings.start();
        Traffic traffic = settings.traffic(PER_SECOND)) {
      traffic.awaitAnswers(100);
      for (int i = 0; i < cycles; i++) {
        try (Program second = settings.start()) {
          TimeUnit.MILLISECONDS.sleep(1000 + random.nextInt(1500));
          traffic.awaitAnswers(200);
          second.stop();
          traffic.awaitAnswers(200);
          tell("rebalance", guarantee, i, cycles, traffic);
        }
      }
      judge("rebalance", guarantee, cycles, traffic.finish(), settings.sums(first));
    }
  }

  /** Recognition stands still for longer than a transaction may take. */
  private void freeze(String bootstrap) throws Exception {
    Settings settings = new Settings(bootstrap, "exactly_once_v2");
    settings.makeTopics();
    int cycles = quick ? 1 : 3;
    try (Program application = settings.start();
        Traffic traffic = settings.traffic(PER_SECOND)) {
      for (int i = 0; i < cycles; i++) {
        traffic.awaitAnswers(500);
        Files.createFile(settings.freeze);
        TimeUnit.SECONDS.sleep(15);
        Files.delete(settings.freeze);
        tell("freeze", "exactly_once_v2", i, cycles, traffic);
      }
      judge("freeze", "exactly_once_v2", cycles, traffic.finish(), settings.sums(application));
    }
  }

  /**
   * The broker that holds the answers is stopped, while the other one, with the changelog and the
   * offsets, goes on; the application is killed; the broker is resumed.
   */
  private void hole(String guarantee) throws Exception {
    int[] ports = ports();
    String cluster = Uuid.randomUuid().toString();
    String bootstrap = "127.0.0.1:" + ports[0];
    Random random = new Random(seed);
    int cycles = quick ? 3 : 10;
    int run = runs.getAndIncrement();
    try (Program first = node(1, run, cluster, ports)) {
      first.line();
      touchInternalTopics(bootstrap); // so that they lie on the first broker
      try (Program second = node(2, run, cluster, ports)) {
        second.line();
        Settings settings = new Settings(bootstrap, guarantee);
        settings.more.add("kafka.producer.request.timeout.ms=30000");
        settings.place();
        settings.makeTopics();
        try (Traffic traffic = settings.traffic(PER_SECOND)) {
          for (int i = 0; i < cycles; i++) {
            try (Program application = settings.start()) {
              traffic.awaitAnswers(200 + random.nextInt(200));
              second.signal("STOP");
              TimeUnit.MILLISECONDS.sleep(1000 + random.nextInt(1000));
              application.kill();
              second.signal("CONT");
              tell("hole", guarantee, i, cycles, traffic);
            }
          }
          try (Program last = settings.start()) {
            judge("hole", guarantee, cycles, traffic.finish(), settings.sums(last));
          }
        }
      }
    }
  }

  /**
   * @param ports of the first broker, the second, the controller
   */
  private Program node(int node, int run, String cluster, int[] ports) throws IOException {
    String broker = "BROKER://127.0.0.1:" + ports[node - 1];
    String controller = ",CONTROLLER://127.0.0.1:" + ports[2];
    return Program.java(
        errors,
        "io.shelfstream.bench.ClusterNode",
        Integer.toString(node),
        folder.resolve("node" + run + "-" + node).toString(),
        cluster,
        "process.roles=" + (node == 1 ? "broker,controller" : "broker"),
        "controller.quorum.voters=1@127.0.0.1:" + ports[2],
        "listeners=" + (node == 1 ? broker + controller : broker),
        "advertised.listeners=" + broker,
        "group.min.session.timeout.ms=1000");
  }

  private static int[] ports() throws IOException {
    InetAddress host = InetAddress.getLoopbackAddress();
    try (ServerSocket a = new ServerSocket(0, 1, host);
        ServerSocket b = new ServerSocket(0, 1, host);
        ServerSocket c = new ServerSocket(0, 1, host)) {
      return new int[] {a.getLocalPort(), b.getLocalPort(), c.getLocalPort()};
    }
  }

  private static void touchInternalTopics(String bootstrap) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      admin.createTopics(List.of(new NewTopic("touched", 1, (short) 1))).all().get();
    }
    ByteArraySerializer to = new ByteArraySerializer();
    ByteArrayDeserializer from = new ByteArrayDeserializer();
    try (KafkaProducer<byte[], byte[]> producer =
            new KafkaProducer<>(
                Map.of("bootstrap.servers", bootstrap, "transactional.id", "touch"), to, to);
        KafkaConsumer<byte[], byte[]> consumer =
            new KafkaConsumer<>(
                Map.of("bootstrap.servers", bootstrap, "group.id", "touch"), from, from)) {
      producer.initTransactions();
      consumer.subscribe(List.of("touched"));
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
      while (consumer.assignment().isEmpty() && System.nanoTime() < end) {
        consumer.poll(Duration.ofMillis(100));
      }
    }
  }

  /** The service as it is, with the bundled models. */
  private void models(String bootstrap, String guarantee) throws Exception {
    Path home = Path.of(System.getProperty("shelfstream.home"));
    Path image;
    try (var files = Files.walk(home.resolve("demo-data"))) {
      image =
          files
              .filter(file -> file.toString().matches(".*frames.*\\.(jpg|png)"))
              .sorted()
              .findFirst()
              .orElseThrow(() -> new IOException("no frame in deploy/demo-data"));
    }
    Settings settings = new Settings(bootstrap, guarantee);
    settings.more.add("images.allowed.roots=" + home.resolve("demo-data"));
    settings.uri = image.toUri().toString();
    settings.makeTopics();
    Random random = new Random(seed);
    try (Traffic traffic = settings.traffic(8)) {
      for (int i = 0; i < 3; i++) {
        try (Program application = settings.startService()) {
          traffic.awaitAnswers(10 + random.nextInt(20));
          application.kill();
          tell("models", guarantee, i, 3, traffic);
        }
      }
      try (Program last = settings.startService()) {
        judge("models", guarantee, 3, traffic.finish(), settings.sums(last));
      }
    }
  }

  /** Records that nobody should send; the service's own log tells whether anything began again. */
  private void poison(String bootstrap, String guarantee) throws Exception {
    String name = "poison " + guarantee;
    Map<String, String> settings =
        HostileTraffic.settings(
            bootstrap, folder, guarantee, Path.of(System.getProperty("bench.models")).toString());
    ShelfStreamConfig config = ShelfStreamConfig.loadWithModels(null, settings);
    HostileTraffic.makeTopics(config);
    List<String> line =
        new ArrayList<>(
            List.of(
                // The heap has its full size from the start, so that what grows beside it shows.
                "-Xms512m",
                "-XX:+AlwaysPreTouch",
                "-DSHELFSTREAM_LOG_LEVEL=INFO",
                "io.shelfstream.Main",
                "run"));
    settings.forEach((key, value) -> line.addAll(List.of("--set", key + "=" + value)));
    int port = ports()[0];
    line.addAll(List.of("--set", "http.port=" + port));
    Path log = target.resolve("faults-poison-" + guarantee + ".log");
    Files.deleteIfExists(log);
    int records = quick ? 5000 : 100_000;
    List<Double> heap = new ArrayList<>();
    List<Double> outside = new ArrayList<>();
    HostileTraffic.Count count;
    FrameSums sums;
    try (Program service = Program.java(log, line.toArray(String[]::new))) {
      service.awaitReady(log);
      try (HostileTraffic traffic = new HostileTraffic(config, seed, () -> lives(service, log));
          JvmMemory memory = JvmMemory.of(service)) {
        for (int i = 1; i <= SAMPLES; i++) {
          traffic.send(records / SAMPLES);
          traffic.awaitAnswers(); // what is in hand may be many MB
          heap.add(memory.inUse());
          outside.add(service.residentMib() - memory.committed());
          System.err.printf(
              "%s: %d of %d, %d records answered, heap %.0f MiB, outside the heap %.0f MiB%n",
              name, i, SAMPLES, traffic.answered(), heap.get(i - 1), outside.get(i - 1));
        }
        count = traffic.finish();
        sums = FrameSums.of("127.0.0.1:" + port);
      }
    }
    judge(name, count, sums, log, heap, outside);
  }

  private static void lives(Program service, Path log) {
    if (!service.isAlive()) {
      throw new IllegalStateException("The service has ended; see " + log);
    }
  }

  private synchronized void judge(
      String name,
      HostileTraffic.Count count,
      FrameSums sums,
      Path log,
      List<Double> heap,
      List<Double> outside)
      throws IOException {
    results.note(name, "records", count.records());
    results.note(name, "good ones among them", count.good());
    results.note(name, "records a second", count.perSecond());
    count.byOutcome().forEach((outcome, times) -> results.note(name, outcome, times));
    count.examples().forEach(System.err::println);
    count.faults().forEach((fault, times) -> results.atMost(name, fault, times, 0));
    judge(name, sums);
    results.atMost(name, "kinds of faults", count.faults().size(), 0);
    int restarts;
    try (var lines = Files.lines(log)) {
      restarts = (int) lines.filter(HostileTraffic::tellsOfARestart).count();
    }
    results.atMost(name, "restarts", restarts, 0);
    flat(name, "heap in use", heap);
    flat(name, "outside the heap", outside);
  }

  /** The first quarter warms up; the last one is compared with the second. */
  private void flat(String name, String what, List<Double> samples) {
    double level = median(samples.subList(SAMPLES / 4, SAMPLES / 2));
    double last = median(samples.subList(3 * SAMPLES / 4, SAMPLES));
    results.note(name, what + ", second quarter, MiB", level);
    results.note(name, what + ", last quarter, MiB", last);
    if (quick) {
      results.note(name, what + ", last by second", last / level); // it is all warming up
    } else {
      results.atMost(name, what + ", last by second", last / level, 1.1);
    }
  }

  private static double median(List<Double> samples) {
    return samples.stream().sorted().toList().get(samples.size() / 2);
  }

  private static void tell(String check, String guarantee, int cycle, int of, Traffic traffic) {
    System.err.printf(
        "%s %s: %d of %d, %d frames answered%n",
        check, guarantee, cycle + 1, of, traffic.answered());
  }

  private synchronized void judge(
      String check, String guarantee, int cycles, Traffic.Count count, FrameSums sums) {
    String name = check + " " + guarantee;
    results.note(name, "cycles", cycles);
    results.note(name, "frames", count.published());
    results.atMost(name, "lost", count.lost(), 0);
    if (guarantee.equals("exactly_once_v2")) {
      results.atMost(name, "doubled", count.doubled(), 0);
    } else {
      results.note(name, "doubled", count.doubled());
      results.atMost(name, "doubled with another id", count.otherIds(), 0);
    }
    results.atMost(name, "order breaks within a camera", count.orderBreaks(), 0);
    results.atMost(name, "dead letters", count.deadLetters(), 0);
    judge(name, sums);
  }

  /** The process that is left says what became of each frame that it took. */
  private void judge(String name, FrameSums sums) {
    results.note(name, "metrics of the last process: taken", sums.taken());
    results.note(name, "metrics of the last process: given up", sums.givenUp());
    results.atMost(name, "frames taken that its metrics lose", sums.difference(), 0);
    results.atMost(name, "frames that its metrics keep in hand", sums.inHand(), 0);
  }

  /** One application and its topics. */
  private final class Settings {
    final String bootstrap;
    final String name = "faults" + runs.getAndIncrement();
    final List<String> more = new ArrayList<>();
    final Path freeze = folder.resolve(name + ".freeze");
    final Map<Program, Integer> portOf = new IdentityHashMap<>();
    String uri = "file:///frame.jpg";

    Settings(String bootstrap, String guarantee) {
      this.bootstrap = bootstrap;
      more.add("kafka.bootstrap.servers=" + bootstrap);
      more.add("application.id=" + name);
      more.add("delivery.guarantee=" + guarantee);
      more.add("topics.frames=" + name + ".frames");
      more.add("topics.recognitions=" + name + ".recognitions");
      more.add("topics.dead.letters=" + name + ".dead-letters");
      more.add("state.dir=" + folder.resolve("state"));
      // A dead instance is noticed sooner than by default, so that more cycles fit into an hour.
      more.add("kafka.consumer.session.timeout.ms=3000");
      more.add("kafka.consumer.heartbeat.interval.ms=700");
      if (guarantee.equals("exactly_once_v2")) {
        more.add("kafka.producer.transaction.timeout.ms=5000");
      }
    }

    ShelfStreamConfig config() {
      Map<String, String> settings = new LinkedHashMap<>();
      for (String setting : more) {
        int equals = setting.indexOf('=');
        settings.put(setting.substring(0, equals), setting.substring(equals + 1));
      }
      return ShelfStreamConfig.load(null, settings);
    }

    void makeTopics() {
      Topics.create(config(), PARTITIONS, (short) 1);
    }

    /** Answers on the second broker, everything else that decides about loss on the first. */
    void place() throws Exception {
      Map<Integer, List<Integer>> first = new LinkedHashMap<>();
      Map<Integer, List<Integer>> second = new LinkedHashMap<>();
      for (int i = 0; i < PARTITIONS; i++) {
        first.put(i, List.of(1));
        second.put(i, List.of(2));
      }
      ShelfStreamConfig config = config();
      try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
        admin
            .createTopics(
                List.of(
                    new NewTopic(config.topics().frames(), first),
                    new NewTopic(config.topics().deadLetters(), first),
                    new NewTopic(config.pendingFramesTopic(), first).configs(Topics.CHANGELOG),
                    new NewTopic(config.topics().recognitions(), second)))
            .all()
            .get();
      }
    }

    Traffic traffic(int perSecond) {
      ShelfStreamConfig config = config();
      return new Traffic(
          bootstrap,
          config.topics().frames(),
          config.topics().recognitions(),
          config.topics().deadLetters(),
          PARTITIONS,
          CAMERAS,
          perSecond,
          uri);
    }

    Program start() throws IOException, InterruptedException {
      List<String> line = new ArrayList<>();
      line.add("-Dbench.freeze=" + freeze);
      line.add("io.shelfstream.bench.FaultApplication");
      line.addAll(more);
      int port = ports()[0];
      line.add("http.port=" + port);
      Program child = Program.java(errors, line.toArray(String[]::new));
      portOf.put(child, port);
      child.line();
      return child;
    }

    /** What a process says of its frames when all are answered. */
    FrameSums sums(Program of) throws IOException, InterruptedException {
      return FrameSums.of(
          "127.0.0.1:" + Objects.requireNonNull(portOf.get(of), "not started here"));
    }

    Program startService() throws IOException {
      List<String> line = new ArrayList<>(List.of("io.shelfstream.Main", "run"));
      for (String setting : more) {
        line.add("--set");
        line.add(setting);
      }
      int port = ports()[0];
      line.addAll(List.of("--set", "http.port=" + port));
      Program child = Program.java(errors, line.toArray(String[]::new));
      portOf.put(child, port);
      return child;
    }
  }
}
