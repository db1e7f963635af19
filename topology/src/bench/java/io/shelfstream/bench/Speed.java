package io.shelfstream.bench;

import io.shelfstream.gallery.Gallery;
import io.shelfstream.index.FaissIndex;
import io.shelfstream.index.FaissLibrary;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Searches through the binding beside the Python wheel: both read the same index files, one thread
 * each, in turn; medians. And the live gallery beside itself without dead rows and new ones. Index
 * files stay for the next run: a graph of a million vectors takes ten minutes.
 */
final class Speed {

  private static final int DIMENSION = 512;
  private static final int NEAREST = 10;
  private static final int[] BATCHES = {1, 8, 64};
  private static final int LARGEST_BATCH = 64;

  private final List<Integer> sizes;
  private final List<String> types;
  private final int rounds;
  private final boolean processor;
  private final long seed;
  private final Path folder;

  /**
   * @param processor compare the processor's time instead of what elapsed: on a machine that does
   *     other things too
   */
  Speed(
      List<Integer> sizes,
      List<String> types,
      long seed,
      boolean quick,
      boolean processor,
      Path folder) {
    this.processor = processor;
    this.sizes = sizes;
    this.types = types;
    this.rounds = quick ? 5 : 15;
    this.seed = seed;
    this.folder = folder;
  }

  void run(Results results, String python, Path script) throws IOException, InterruptedException {
    FaissLibrary.threads(1);
    for (int size : sizes) {
      Files.createDirectories(folder);
      write(folder.resolve("queries"), queries(), LARGEST_BATCH);
      for (String type : types) {
        beside(results, python, script, type.replace("LISTS", "" + lists(size)), size);
      }
      if (size <= 100_000) {
        for (String type : types) {
          live(results, type.replace("LISTS", "" + lists(size)), size);
        }
      }
    }
  }

  private static int lists(int size) {
    return size >= 1_000_000 ? 1024 : 512;
  }

  private void beside(Results results, String python, Path script, String type, int size)
      throws IOException {
    Path file = folder.resolve("%s-%d-%d.index".formatted(type, size, seed));
    try (Peer peer = new Peer(python, script, folder)) {
      if (!Files.exists(file)) {
        Path vectors = folder.resolve("%d-%d.vectors".formatted(size, seed));
        if (!Files.exists(vectors)) {
          write(vectors, new Vectors(seed, DIMENSION), size);
        }
        System.err.printf("speed: building %s of %d vectors%n", type, size);
        String ms =
            peer.ask("build %s %s %s".formatted(type, vectors.getFileName(), file.getFileName()));
        System.err.printf("speed: %s built in %s ms%n", file, ms);
      }
      peer.ask("load " + file.getFileName());
      try (FaissIndex index = FaissIndex.read(file)) {
        for (int batch : BATCHES) {
          beside(results, peer, index, type, size, batch);
        }
      }
    }
  }

  private void beside(
      Results results, Peer peer, FaissIndex index, String type, int size, int batch)
      throws IOException {
    FloatBuffer rows = packed(some(batch));
    double[] ours = new double[rounds];
    double[] theirs = new double[rounds];
    for (int round = 0; round < rounds; round++) {
      String[] elapsedAndProcessor = peer.ask("search " + batch).split(" ");
      theirs[round] = Double.parseDouble(elapsedAndProcessor[processor ? 1 : 0]);
      ours[round] = repeatedly(() -> index.search(rows.duplicate(), NEAREST));
    }
    String what = "%s %dk batch %d".formatted(type, size / 1000, batch);
    results.note("speed", what + ", ms", median(ours));
    results.note("speed", what + ", wheel's ms", median(theirs));
    boolean flat = type.equals("Flat");
    double goal = flat && batch == 8 ? 1.8 : flat && batch == 64 ? 3 : 0.95;
    results.atLeast("speed", what + ", wheel / ours", median(theirs) / median(ours), goal);
  }

  /** A twentieth dead and as many new ones as fit before the next compaction. */
  private void live(Results results, String type, int size) throws InterruptedException {
    Vectors vectors = new Vectors(seed, DIMENSION);
    try (Gallery plain = new Gallery(type, DIMENSION, Vectors.EXTRACTOR);
        Gallery changed = new Gallery(type, DIMENSION, Vectors.EXTRACTOR)) {
      System.err.printf("speed: filling live galleries of type %s%n", type);
      for (int i = 0; i < size; i++) {
        float[] vector = vectors.next();
        put(plain, i, vector);
        put(changed, i, vector);
      }
      GalleryBench.settle(plain, type);
      GalleryBench.settle(changed, type);
      for (int i = 0; i < size / 20; i++) {
        put(changed, i * 20, vectors.next());
      }
      GalleryBench.await(() -> !changed.isCompacting());
      List<float[]> queries = some(LARGEST_BATCH);
      for (int batch : BATCHES) {
        double[] before = new double[rounds];
        double[] after = new double[rounds];
        for (int round = 0; round < rounds; round++) {
          before[round] =
              repeatedly(() -> inBatches(plain, queries, batch)) * batch / LARGEST_BATCH;
          after[round] =
              repeatedly(() -> inBatches(changed, queries, batch)) * batch / LARGEST_BATCH;
        }
        String what = "live %s %dk batch %d".formatted(type, size / 1000, batch);
        results.note("speed", what + ", unchanged, ms", median(before));
        results.atLeast(
            "speed", what + ", unchanged / 5 % dead and new", median(before) / median(after), 0.85);
      }
    }
  }

  /**
   * All queries: graphs of other vectors lead a single one along ways of quite different length.
   */
  private static List<?> inBatches(Gallery gallery, List<float[]> queries, int batch) {
    List<Object> found = new ArrayList<>();
    for (int i = 0; i < queries.size(); i += batch) {
      found.add(gallery.search(queries.subList(i, i + batch), NEAREST));
    }
    return found;
  }

  private static void put(Gallery gallery, int number, float[] vector) {
    String id = "photo-" + number;
    gallery.apply(0, gallery.state().version(), id, Vectors.record(id, "label", vector));
  }

  private static Vectors queries() {
    return new Vectors(3, DIMENSION);
  }

  /**
   * The first of the file that the wheel reads: how long a graph is walked depends on the query.
   */
  private static List<float[]> some(int batch) {
    Vectors queries = queries();
    List<float[]> some = new ArrayList<>();
    for (int i = 0; i < batch; i++) {
      some.add(queries.next());
    }
    return some;
  }

  private static FloatBuffer packed(List<float[]> vectors) {
    FloatBuffer rows =
        ByteBuffer.allocateDirect(vectors.size() * DIMENSION * Float.BYTES)
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();
    vectors.forEach(rows::put);
    return rows.flip();
  }

  private interface Search {
    Object run();
  }

  /** Milliseconds of one search: mean of as many as fit into 100 ms, at least one. */
  private double repeatedly(Search search) {
    long start = System.nanoTime();
    long worked = now();
    int count = 0;
    while (count == 0 || System.nanoTime() - start < 100_000_000L) {
      if (search.run() == null) {
        throw new IllegalStateException("a search gave nothing");
      }
      count++;
    }
    return (now() - worked) / 1e6 / count;
  }

  private long now() {
    return processor
        ? ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime()
        : System.nanoTime();
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  private static void write(Path file, Vectors vectors, int count) throws IOException {
    ByteBuffer row = ByteBuffer.allocate(DIMENSION * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 20)) {
      for (int i = 0; i < count; i++) {
        row.asFloatBuffer().put(vectors.next());
        out.write(row.array());
        if (i % 200_000 == 199_999) {
          System.err.printf(Locale.ROOT, "speed: %d of %d vectors written%n", i + 1, count);
        }
      }
    }
  }
}
