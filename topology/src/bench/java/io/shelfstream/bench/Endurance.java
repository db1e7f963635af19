package io.shelfstream.bench;

import io.shelfstream.gallery.Gallery;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/**
 * Replaces photos of a small gallery a million times: memory and search time must stay as they are.
 */
final class Endurance {

  private static final int PHOTOS = 10_000;
  private static final int DIMENSION = 512;

  private final int replacements;
  private final long seed;

  Endurance(long seed, boolean quick) {
    this.seed = seed;
    this.replacements = quick ? 200_000 : 1_000_000;
  }

  void run(Results results) throws IOException {
    Vectors vectors = new Vectors(seed, DIMENSION);
    Random random = new Random(seed);
    int sample = replacements / 10;
    double firstMib = 0;
    double mostMib = 0;
    double firstMs = 0;
    double lastMs = 0;
    try (Gallery gallery = new Gallery("Flat", DIMENSION, Vectors.EXTRACTOR)) {
      for (int i = 0; i < PHOTOS + replacements; i++) {
        String id = "photo-" + (i < PHOTOS ? i : random.nextInt(PHOTOS));
        gallery.apply(0, i, id, Vectors.record(id, "label", vectors.next()));
        if (i >= PHOTOS && (i - PHOTOS + 1) % sample == 0) {
          lastMs = searchMs(gallery);
          double mib = residentMib();
          mostMib = Math.max(mostMib, mib);
          if (firstMib == 0) {
            firstMib = mib;
            firstMs = lastMs;
            mostMib = mib;
          }
          System.err.printf(
              "endurance: %d replaced, %.0f MiB resident, search %.3f ms%n",
              i - PHOTOS + 1, mib, lastMs);
        }
      }
      results.note("endurance", "replacements", replacements);
      results.atMost("endurance", "photos missing at the end", PHOTOS - gallery.state().size(), 0);
    }
    results.note("endurance", "resident MiB after the first tenth", firstMib);
    results.note("endurance", "resident MiB at most afterwards", mostMib);
    results.atMost("endurance", "resident, most / first", mostMib / firstMib, 1.1);
    results.note("endurance", "search median ms after the first tenth", firstMs);
    results.note("endurance", "search median ms at the end", lastMs);
    // Blocks are between packed and a fifth dead, and the machine is not alone.
    results.atMost("endurance", "search, end / first", lastMs / firstMs, 1.5);
  }

  private static double searchMs(Gallery gallery) {
    Vectors queries = new Vectors(5, DIMENSION);
    Times times = new Times();
    for (int i = 0; i < 300; i++) {
      List<float[]> query = List.of(queries.next());
      long start = System.nanoTime();
      gallery.search(query, 10);
      times.add(System.nanoTime() - start);
    }
    return times.quantile(0.5);
  }

  /** What this process is resident with. */
  static double residentMib() throws IOException {
    return statusMib("VmRSS:");
  }

  /** The most that this process has been resident with. */
  static double mostResidentMib() throws IOException {
    return statusMib("VmHWM:");
  }

  private static double statusMib(String figure) throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith(figure))
        .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) / 1024)
        .findFirst()
        .orElseThrow();
  }
}
