package io.shelfstream.bench;

import io.shelfstream.gallery.Gallery;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.BooleanSupplier;

/** Main class of {@code deploy/bench gallery}; the script says what the arguments are. */
final class GalleryBench {

  private static final List<String> CHECKS =
      List.of("fire", "freshness", "endurance", "restart", "size", "speed");

  private boolean quick;
  private boolean processor;
  private Duration fire = Duration.ofMinutes(10);
  private long seed = new Random().nextInt(1_000_000);
  private List<Integer> sizes = List.of(100_000, 1_000_000);
  private List<String> types = List.of("Flat", "IVFLISTS,Flat", "HNSW16");
  private final List<String> checks = new ArrayList<>();

  private GalleryBench() {}

  public static void main(String[] arguments) throws Exception {
    GalleryBench bench = new GalleryBench();
    bench.read(List.of(arguments).iterator());
    System.exit(bench.run());
  }

  private void read(java.util.Iterator<String> arguments) {
    while (arguments.hasNext()) {
      String argument = arguments.next();
      switch (argument) {
        case "--quick" -> {
          quick = true;
          fire = Duration.ofSeconds(20);
          sizes = List.of(100_000);
          types = List.of("Flat", "IVFLISTS,Flat");
        }
        case "--processor" -> processor = true;
        case "--seed" -> seed = Long.parseLong(arguments.next());
        case "--minutes" -> fire = Duration.ofMinutes(Long.parseLong(arguments.next()));
        case "--sizes" ->
            sizes = List.of(arguments.next().split(",")).stream().map(Integer::valueOf).toList();
        case "--types" -> types = List.of(arguments.next().split("/"));
        default -> {
          if (!CHECKS.contains(argument)) {
            System.err.println("bench gallery: there is no '" + argument + "'; checks: " + CHECKS);
            System.exit(2);
          }
          checks.add(argument);
        }
      }
    }
  }

  private int run() throws Exception {
    Path target = Path.of(System.getProperty("bench.target"));
    Path folder = Files.createTempDirectory(Files.createDirectories(target), "gallery-");
    Results results = new Results("gallery");
    System.out.println("seed " + seed);
    try {
      for (String check : checks.isEmpty() ? CHECKS : checks) {
        run(check, results, folder);
      }
    } finally {
      Folders.delete(folder);
    }
    return results.finish(target.resolve("gallery.json"));
  }

  private void run(String check, Results results, Path folder) throws Exception {
    switch (check) {
      case "fire" -> {
        List<String> under = List.of("Flat", "IVF16,Flat", "IVF16,SQfp16", "HNSW16");
        for (String type : under) {
          Path snapshots = Files.createDirectory(folder.resolve("snapshots"));
          new UnderFire(type, seed, fire.dividedBy(under.size()), snapshots).run(results);
          Folders.delete(snapshots);
        }
      }
      case "freshness" -> {
        for (String type : List.of("Flat", "IVF512,Flat")) {
          new Freshness(type, seed, quick).run(results);
        }
      }
      case "endurance" -> new Endurance(seed, quick).run(results);
      case "restart" -> {
        for (int size : sizes) {
          for (String type : List.of("Flat", "IVF1024,Flat")) {
            Path snapshots = Files.createDirectory(folder.resolve("snapshots"));
            try (Peer peer = peer(snapshots)) {
              new Restart(type, size, seed, snapshots, peer).run(results);
            }
            Folders.delete(snapshots);
          }
        }
      }
      case "size" -> {
        for (int size : sizes) {
          for (String type : List.of("Flat", "SQfp16", "IVF1024,Flat", "IVF1024,SQfp16")) {
            Path snapshots = Files.createDirectory(folder.resolve("snapshots"));
            GallerySize.run(type, size, snapshots, results);
            Folders.delete(snapshots);
          }
        }
      }
      default ->
          new Speed(sizes, types, seed, quick, processor, folder.resolveSibling("gallery-speed"))
              .run(
                  results,
                  System.getProperty("bench.python"),
                  Path.of(System.getProperty("bench.peer")));
    }
  }

  private static Peer peer(Path folder) throws java.io.IOException {
    return new Peer(
        System.getProperty("bench.python"), Path.of(System.getProperty("bench.peer")), folder);
  }

  /** Waits until all photos lie in an index of this type. */
  static void settle(Gallery gallery, String type) throws InterruptedException {
    await(() -> !gallery.isCompacting() && gallery.state().indexType().equals(type));
  }

  /** Waits for what happens in the background. */
  static void await(BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + Duration.ofMinutes(30).toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException("waited for half an hour in vain");
      }
      Thread.sleep(20);
    }
  }
}
