package io.shelfstream.bench;

import io.shelfstream.broker.QuietClients;
import io.shelfstream.client.EventProducer;
import io.shelfstream.client.ImageFiles;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.metrics.Metric;
import io.shelfstream.model.ModelDirectory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** Main class of {@code deploy/bench cluster}; the script says what the checks are. */
final class ClusterBench {
  private static final List<String> CHECKS = List.of("upgrade", "cut", "scale");
  private static final int CAMERAS = 24;

  /** As many as leave two cores time for six JVMs that start and stop. */
  private static final int PER_SECOND = 6;

  /** Seconds in which frames flow before something happens, and after it. */
  private static final int QUIET = 5;

  /** Seconds in which an instance has to end: {@code delivery.drain}. */
  private static final int DRAIN = 30;

  /** Seconds until others have the partitions of one that is gone: its session is one of 6 s. */
  private static final int TAKEOVER = 20;

  /** Seconds until one that is back takes frames. */
  private static final int RETURN = 60;

  private final Path target;
  private final Path folder;
  private final Path release;
  private final Path next;
  private final Path home = Path.of(System.getProperty("shelfstream.home"));
  private final Results results;
  private final boolean quick;

  private ClusterBench(Path target, Path folder, Results results, boolean quick) {
    this.target = target;
    this.folder = folder;
    this.release = Path.of(System.getProperty("bench.release"));
    this.next = Path.of(System.getProperty("bench.next"));
    this.results = results;
    this.quick = quick;
  }

  public static void main(String[] arguments) throws Exception {
    List<String> checks = new ArrayList<>(List.of(arguments));
    boolean quick = checks.remove("--quick");
    if (!CHECKS.containsAll(checks)) {
      System.err.println("bench cluster: unknown check in " + checks + "; checks: " + CHECKS);
      System.exit(2);
    }
    Path target = Files.createDirectories(Path.of(System.getProperty("bench.target")));
    Results results = new Results("cluster");
    ClusterBench bench =
        new ClusterBench(target, Path.of(System.getProperty("bench.folder")), results, quick);
    // That a broker is cut off need not be said by each request.
    try (QuietClients.Scope quiet = QuietClients.begin()) {
      for (String check : checks.isEmpty() ? CHECKS : checks) {
        bench.run(check);
      }
    }
    System.exit(results.finish(target.resolve("cluster.json")));
  }

  private void run(String check) throws Exception {
    Path data = Files.createDirectories(folder.resolve(check));
    Path logs = target.resolve("cluster").resolve(check);
    if (Files.exists(logs)) {
      Folders.delete(logs); // those of an earlier run
    }
    Files.createDirectories(logs);
    tell(check, "three brokers start; what all processes say: %s", logs);
    try (Cluster cluster = new Cluster(data, logs, release)) {
      switch (check) {
        case "upgrade" -> upgrade(cluster);
        case "cut" -> cut(cluster);
        default -> scale(cluster);
      }
    }
    Folders.delete(data);
  }

  private static void tell(String check, String format, Object... values) {
    System.err.println("cluster " + check + ": " + format.formatted(values));
  }

  /** One instance after the other goes over to the next release, and back. */
  private void upgrade(Cluster cluster) throws Exception {
    String check = "upgrade";
    ready(check, cluster);
    try (Traffic traffic = traffic(cluster)) {
      flow(traffic);
      Path from = release;
      for (Path to : quick ? List.of(next) : List.of(next, release)) {
        traffic.waits();
        for (Instance instance : cluster.instances()) {
          replace(check, instance, from, to, traffic);
        }
        Traffic.Waits waits = traffic.waits();
        results.note(
            check, "to " + version(to) + ": longest time without an event, s", waits.gap());
        results.note(check, "to " + version(to) + ": longest wait of a frame, s", waits.answer());
        int running = 0;
        for (Instance instance : cluster.instances()) {
          running += instance.version().equals(version(to)) ? 1 : 0;
        }
        results.atLeast(check, "instances that say that they are " + version(to), running, 3);
        from = to;
      }
      results.note(check, "until every instance has partitions again, s", cluster.awaitSpread());
      judge(check, cluster, traffic);
    }
  }

  private void replace(String check, Instance instance, Path from, Path to, Traffic traffic)
      throws Exception {
    String what = instance.name() + " from " + version(from) + " to " + version(to) + ": ";
    long start = System.nanoTime();
    int code = instance.stop();
    double stopping = (System.nanoTime() - start) / 1e9;
    results.atMost(check, what + "exit code", code, 0);
    results.atMost(check, what + "ended, s", stopping, DRAIN);
    instance.start(to);
    results.note(check, what + "ready again, s", instance.awaitReady());
    flow(traffic);
    tell(check, "%s%d frames answered", what, traffic.answered());
  }

  /** What a release calls itself; its folder is named so. */
  private static String version(Path release) {
    return release
        .getFileName()
        .toString()
        .replaceFirst("^shelfstream-", "")
        .replaceFirst("-linux-x86_64$", "");
  }

  /** An instance is cut off from the network, and then a broker, and each comes back. */
  private void cut(Cluster cluster) throws Exception {
    String check = "cut";
    ready(check, cluster);
    List<Path> lists = galleries();
    cluster.shelfstream(
        release, "gallery", "import", "--image-root", images(), lists.get(0).toString());
    try (Traffic traffic = traffic(cluster)) {
      flow(traffic);
      List<Integer> seconds = quick ? List.of(20) : List.of(20, 150);
      for (int i = 0; i < seconds.size(); i++) {
        cutInstance(cluster, cluster.instances().get(i), seconds.get(i), traffic, lists.get(i + 1));
      }
      cutBroker(cluster, quick ? 20 : 60, traffic);
      judge(check, cluster, traffic);
    }
    photos(check, cluster, lists.subList(0, quick ? 2 : 3));
  }

  private String images() {
    return home.resolve("demo-data").toString();
  }

  /** The gallery of the demo in three lists. */
  private List<Path> galleries() throws Exception {
    List<List<String>> lists = List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    int i = 0;
    for (String line : Files.readAllLines(Path.of(images(), "gallery.tsv"))) {
      lists.get(i++ % 3).add(line);
    }
    List<Path> files = new ArrayList<>();
    for (List<String> list : lists) {
      Path file = folder.resolve("gallery" + files.size() + ".tsv");
      Files.write(file, list);
      files.add(file);
    }
    return files;
  }

  private void cutInstance(Cluster cluster, Instance cut, int seconds, Traffic traffic, Path list)
      throws Exception {
    String check = "cut";
    String what = "instance cut off for " + seconds + " s: ";
    Set<Integer> had = cluster.partitions().get(cut.host().address());
    tell(check, "%s%s, which has partitions %s", what, cut.name(), had);
    traffic.waits();
    long start = System.nanoTime();
    cut.host().unplug();
    results.atMost(
        check, what + "the others have all partitions, s", cluster.awaitWithout(cut), TAKEOVER);
    // What happens meanwhile it has to catch up with.
    cluster.shelfstream(release, "gallery", "import", "--image-root", images(), list.toString());
    while (System.nanoTime() - start < TimeUnit.SECONDS.toNanos(seconds)) {
      TimeUnit.MILLISECONDS.sleep(100);
    }
    results.note(
        check,
        what + "says that it is ready on its own host",
        cut.saysReadyAtHome(release) ? 1 : 0);
    waits(check, what, traffic);
    cut.host().plug();
    tell(check, "%sit is back", what);
    long back = System.nanoTime();
    Cluster.await("the instance is ready or has ended", () -> cut.isReady() || !cut.isAlive());
    results.note(check, what + "ended by itself", cut.isAlive() ? 0 : 1);
    if (!cut.isAlive()) {
      int code = cut.exitCode();
      tell(check, "%sit has ended with %d; a supervisor starts it again", what, code);
      results.note(check, what + "exit code", code);
      cut.start(release);
      cut.awaitReady();
    }
    cluster.awaitSpread();
    double taken = cut.metric(Metric.FRAMES_TAKEN);
    Cluster.await("it takes frames", () -> cut.metric(Metric.FRAMES_TAKEN) > taken);
    results.atMost(check, what + "takes frames again, s", (System.nanoTime() - back) / 1e9, RETURN);
    flow(traffic);
    waits(check, what + "after the return: ", traffic);
    tell(check, "%s%d frames answered", what, traffic.answered());
  }

  private static void sleepUntil(long start, int seconds) throws InterruptedException {
    long left = start + TimeUnit.SECONDS.toNanos(seconds) - System.nanoTime();
    TimeUnit.NANOSECONDS.sleep(Math.max(0, left));
  }

  private void cutBroker(Cluster cluster, int seconds, Traffic traffic) throws Exception {
    String check = "cut";
    String what = "broker cut off for " + seconds + " s: ";
    Network.Host broker = cluster.coordinator();
    tell(check, "%s%s, which coordinates the instances", what, broker.address());
    traffic.waits();
    long start = System.nanoTime();
    broker.unplug();
    results.note(check, what + "no longer counted as a broker, s", cluster.awaitBrokers(2));
    sleepUntil(start, seconds);
    waits(check, what, traffic);
    broker.plug();
    results.note(check, what + "in sync again, s", cluster.awaitBrokers(3) + cluster.awaitInSync());
    flow(traffic);
    waits(check, what + "after the return: ", traffic);
    for (Instance instance : cluster.instances()) {
      results.atLeast(check, what + instance.name() + " alive", instance.isAlive() ? 1 : 0, 1);
    }
    cluster.awaitSpread();
  }

  private void waits(String check, String what, Traffic traffic) {
    Traffic.Waits waits = traffic.waits();
    results.note(check, what + "longest time without an event, s", waits.gap());
    results.note(check, what + "longest wait of a frame, s", waits.answer());
  }

  /** Every instance has every photo, wherever it was when they came. */
  private void photos(String check, Cluster cluster, List<Path> lists) throws Exception {
    int expected = 0;
    for (Path list : lists) {
      expected += Files.readAllLines(list).size();
    }
    for (Instance instance : cluster.instances()) {
      results.atMost(
          check,
          instance.name() + " lacks photos, of " + expected,
          Math.abs(expected - instance.metric(Metric.GALLERY_PHOTOS)),
          0);
    }
  }

  /** How soon an instance with an empty disk holds the gallery and is ready. */
  private void scale(Cluster cluster) throws Exception {
    String check = "scale";
    int photos = quick ? 20_000 : 100_000;
    Instance first = cluster.instances().get(0);
    first.start(release);
    first.awaitReady();
    Instance third = cluster.instances().get(2);
    third.start(release); // as the second one will, but with nothing to read
    double starting = third.awaitReady();
    third.stop();
    results.note(check, "no photo: ready, s", starting);
    fill(cluster.config(), photos);
    Cluster.await(
        "the first instance has all photos", () -> first.metric(Metric.GALLERY_PHOTOS) == photos);
    tell(check, "%d photos are on the topic", photos);
    Instance second = cluster.instances().get(1);
    second.start(release);
    double reading = second.awaitReady();
    results.note(check, photos + " photos: ready with an empty disk, s", reading);
    results.note(check, "of this for 100,000 photos, s", (reading - starting) * 100_000 / photos);
    results.atMost(
        check, "photos that it lacks when ready", photos - second.metric(Metric.GALLERY_PHOTOS), 0);
    results.note(check, "resident memory, MiB", second.residentMib());
    results.atMost(check, "exit code", second.stop(), 0);
    second.start(release);
    results.note(check, photos + " photos: ready with its snapshot, s", second.awaitReady());
    results.atMost(
        check, "photos that it lacks then", photos - second.metric(Metric.GALLERY_PHOTOS), 0);
  }

  /** Vectors as the bundled extractor makes them, as far as the service can tell. */
  private void fill(ShelfStreamConfig config, int photos) {
    ModelDirectory models = ModelDirectory.read(release.resolve("models/bundled-int8"));
    Vectors vectors = new Vectors(1, models.extractorDimension());
    try (EventProducer producer = new EventProducer(config)) {
      for (int i = 0; i < photos; i++) {
        String id = "photo-" + i;
        GalleryVector vector =
            Vectors.record(id, "label", vectors.next(), Map.of(), models.extractorId());
        producer.send(config.topics().galleryVectors(), id, producer.serdes().vectors(), vector);
      }
    }
  }

  private void ready(String check, Cluster cluster) throws Exception {
    tell(check, "three instances of %s start", version(release));
    cluster.startInstances(release);
    tell(check, "partitions of each: %s", cluster.partitions());
  }

  private Traffic traffic(Cluster cluster) throws Exception {
    ShelfStreamConfig config = cluster.config();
    Path frame = ImageFiles.below(home.resolve("demo-data/frames")).get(0);
    return new Traffic(
        cluster.bootstrap(),
        config.topics().frames(),
        config.topics().recognitions(),
        config.topics().deadLetters(),
        Cluster.PARTITIONS,
        CAMERAS,
        PER_SECOND,
        frame.toUri().toString());
  }

  private static void flow(Traffic traffic) throws Exception {
    traffic.awaitAnswers(QUIET * PER_SECOND);
  }

  private void judge(String check, Cluster cluster, Traffic traffic) throws Exception {
    tell(check, "the last frames are waited for");
    Traffic.Count count = traffic.finish();
    results.note(check, "frames published", count.published());
    results.note(check, "events received", count.published() - count.lost() + count.doubled());
    results.atMost(check, "lost", count.lost(), 0);
    results.atMost(check, "doubled", count.doubled(), 0);
    results.atMost(check, "order breaks within a camera", count.orderBreaks(), 0);
    results.atMost(check, "dead letters", count.deadLetters(), 0);
    for (Instance instance : cluster.instances()) {
      FrameSums sums = FrameSums.of(instance.address());
      results.note(check, instance.name() + "'s metrics: taken", sums.taken());
      results.atMost(check, instance.name() + "'s metrics: lose", sums.difference(), 0);
    }
  }
}
