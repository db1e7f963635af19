package io.shelfstream.bench;

import io.shelfstream.broker.Topics;
import io.shelfstream.config.ShelfStreamConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

/** Main class of {@code deploy/bench soak}; the script says what it does. */
final class SoakBench {
  private static final int PARTITIONS = 4;

  private final Path target;
  private final Path folder;
  private final Path home = Path.of(System.getProperty("shelfstream.home"));
  private final Duration length;
  private final List<Sample> samples = new ArrayList<>();

  /** Sizes in MiB. The heap's is what the last collection left. */
  private record Sample(
      double second, double resident, double heap, double committed, int answered) {
    double outsideHeap() {
      return resident - committed;
    }
  }

  private SoakBench(Path target, Path folder, Duration length) {
    this.target = target;
    this.folder = folder;
    this.length = length;
  }

  public static void main(String[] arguments) throws Exception {
    List<String> options = List.of(arguments);
    int minutes = options.contains("--quick") ? 4 : 20;
    int at = options.indexOf("--minutes");
    if (at >= 0) {
      minutes = Integer.parseInt(options.get(at + 1));
    }
    Path target = Files.createDirectories(Path.of(System.getProperty("bench.target")));
    Path folder = Files.createTempDirectory(target, "soak-");
    Results results = new Results("soak");
    try {
      new SoakBench(target, folder, Duration.ofMinutes(minutes)).run(results);
    } finally {
      Folders.delete(folder);
    }
    System.exit(results.finish(target.resolve("soak.json")));
  }

  private void run(Results results) throws Exception {
    Path errors = target.resolve("soak-children.log");
    Path log = target.resolve("soak-service.log");
    System.out.println("what the service says: " + log);
    try (SlowImages images = new SlowImages(home.resolve("demo-data/frames/rendered"));
        Program broker = Program.broker(folder.resolve("broker"), errors)) {
      Path file = configuration(broker.line(), images);
      ShelfStreamConfig config = ShelfStreamConfig.load(file, Map.of());
      Topics.create(config, PARTITIONS, (short) 1);
      List<String> command =
          List.of(home.resolve("shelfstream").toString(), "run", "--config", file.toString());
      try (Program service = new Program(command, log)) {
        service.awaitReady(log);
        fillGallery(file, errors);
        try (SoakTraffic traffic = new SoakTraffic(config, images)) {
          measure(service, traffic);
          judge(results, traffic, images);
        }
      }
    }
  }

  private Path configuration(String bootstrap, SlowImages images) throws Exception {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("kafka.bootstrap.servers", bootstrap);
    settings.put("images.allowed.hosts", images.host());
    settings.put("images.allow.private.addresses", "true");
    settings.put("images.allowed.roots", home.resolve("demo-data").toString());
    Path file = folder.resolve("service.properties");
    List<String> lines = new ArrayList<>();
    settings.forEach((key, value) -> lines.add(key + " = " + value));
    return Files.write(file, lines);
  }

  private void fillGallery(Path file, Path errors) throws Exception {
    String list = home.resolve("demo-data").resolve("gallery.tsv").toString();
    try (Program adding =
        Program.java(
            errors, "io.shelfstream.Main", "gallery", "import", "-c", file.toString(), list)) {
      adding.output();
    }
  }

  private void measure(Program service, SoakTraffic traffic) throws Exception {
    System.out.println("second  resident MiB  heap after GC  outside the heap  answered  frames/s");
    try (JvmMemory memory = JvmMemory.of(service)) {
      long start = System.nanoTime();
      long pause = length.toSeconds() * 1000 / 80;
      for (int i = 1; i <= 80; i++) {
        long due = start + TimeUnit.MILLISECONDS.toNanos(i * pause);
        TimeUnit.NANOSECONDS.sleep(Math.max(0, due - System.nanoTime()));
        traffic.check();
        if (!service.isAlive()) {
          throw new IllegalStateException("The service has ended; see its log");
        }
        add(
            new Sample(
                (System.nanoTime() - start) / 1e9,
                service.residentMib(),
                memory.afterLastCollection(),
                memory.committed(),
                traffic.answered()));
      }
    }
  }

  private void add(Sample sample) {
    Sample before = samples.isEmpty() ? new Sample(0, 0, 0, 0, 0) : samples.get(samples.size() - 1);
    samples.add(sample);
    if (samples.size() % 4 == 0) {
      System.out.printf(
          Locale.ROOT,
          "%6.0f %13.0f %14.0f %17.0f %9d %9.1f%n",
          sample.second(),
          sample.resident(),
          sample.heap(),
          sample.outsideHeap(),
          sample.answered(),
          (sample.answered() - before.answered()) / (sample.second() - before.second()));
    }
  }

  /** The first quarter warms up; the last one is compared with the second. */
  private void judge(Results results, SoakTraffic traffic, SlowImages images) {
    results.note("soak", "minutes", length.toMinutes());
    results.note("soak", "frames answered", traffic.answered());
    results.atMost("soak", "of these dead letters", traffic.rejected(), 0);
    results.note("soak", "images of 12 megapixels served", images.large());
    results.note("soak", "images served slowly", images.slow());
    results.note("soak", "events the slow consumer is behind", traffic.behind());
    flat(results, "resident memory", Sample::resident);
    flat(results, "heap after a collection", Sample::heap);
    flat(results, "outside the heap", Sample::outsideHeap);
  }

  private void flat(Results results, String what, ToDoubleFunction<Sample> figure) {
    double level = median(1, figure);
    results.note("soak", what + ", second quarter, MiB", level);
    results.note("soak", what + ", last quarter, MiB", median(3, figure));
    results.atMost("soak", what + ", last by second", median(3, figure) / level, 1.1);
  }

  private double median(int quarter, ToDoubleFunction<Sample> figure) {
    int each = samples.size() / 4;
    return samples.subList(quarter * each, (quarter + 1) * each).stream()
        .mapToDouble(figure)
        .sorted()
        .toArray()[each / 2];
  }
}
