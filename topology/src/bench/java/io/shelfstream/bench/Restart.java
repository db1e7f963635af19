package io.shelfstream.bench;

import io.shelfstream.gallery.Gallery;
import io.shelfstream.gallery.GalleryHit;
import io.shelfstream.gallery.GallerySnapshots;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A gallery from its snapshot, beside reading the file into fresh memory in another process and
 * beside applying all its records: from the page cache, or from the disk, the cache having been
 * told to drop the file. And a gallery from what a compacted topic has kept of its records: either
 * way the answers are those of before.
 */
final class Restart {

  private static final int DIMENSION = 512;
  private static final int QUERIES = 1000;

  private static final int ROUNDS = 3;

  /** One photo in so many is replaced after all have come, and one removed. */
  private static final int REPLACED = 20;

  private static final int REMOVED = 50;

  private final String type;
  private final int photos;
  private final long seed;
  private final Path folder;
  private final Peer peer;

  Restart(String type, int photos, long seed, Path folder, Peer peer) {
    this.type = type;
    this.photos = photos;
    this.seed = seed;
    this.folder = folder;
    this.peer = peer;
  }

  void run(Results results) throws IOException, InterruptedException {
    String check = "restart";
    String what = "%s %dk ".formatted(type, photos / 1000);
    List<List<String>> expected = saved(results, check, what);
    Path file = file();
    results.note(check, what + "snapshot, MiB", Files.size(file) / 1048576.0);
    compare(results, check, what + "cached: ", file, expected, false);
    if (drop(file)) {
      compare(results, check, what + "from disk: ", file, expected, true);
    } else {
      System.err.println("restart: dd cannot drop the file from the cache; not read from disk");
    }
    List<List<String>> exact = type.equals("Flat") ? expected : exact();
    fromTopic(results, check, what + "from the topic alone: ", expected, exact);
  }

  /**
   * Lists are trained anew, on what was there when enough photos had come, so approximate answers
   * differ: they must find as much of the exact ones, and these must be the same.
   */
  private void fromTopic(
      Results results,
      String check,
      String what,
      List<List<String>> expected,
      List<List<String>> exact)
      throws IOException, InterruptedException {
    List<List<String>> found;
    try (Gallery made = gallery()) {
      fillCompacted(made);
      GalleryBench.settle(made, type);
      found = answers(made);
      if (!type.equals("Flat")) {
        new GallerySnapshots(folder, "topic").save(made);
      }
    }
    List<List<String>> foundExactly = type.equals("Flat") ? found : exact();
    results.atMost(
        check,
        what + "of 1000 queries with another exact top 5",
        differing(foundExactly, exact),
        0);
    if (!type.equals("Flat")) {
      double before = shared(expected, exact);
      double after = shared(found, exact);
      results.note(check, what + "share of the top 5 as before", shared(found, expected));
      results.note(check, what + "share of the exact top 5 found before", before);
      results.note(check, what + "share of the exact top 5 found after", after);
      results.atLeast(check, what + "found after / before", after / before, 0.9);
    }
  }

  /** What the newest snapshot's photos answer when each is compared. */
  private List<List<String>> exact() throws IOException, InterruptedException {
    try (Gallery exact = new Gallery("Flat", DIMENSION, Vectors.EXTRACTOR)) {
      if (!new GallerySnapshots(folder, "topic").restore(exact)) {
        throw new IllegalStateException("the snapshot could not be read");
      }
      // Whatever the topic says asks for what is due: the lists become plain rows.
      exact.skip(0, exact.state().version(), "none", "of no use");
      GalleryBench.settle(exact, "Flat");
      return answers(exact);
    }
  }

  private static long differing(List<List<String>> found, List<List<String>> expected) {
    long differing = 0;
    for (int i = 0; i < QUERIES; i++) {
      differing += found.get(i).equals(expected.get(i)) ? 0 : 1;
    }
    return differing;
  }

  private static double shared(List<List<String>> found, List<List<String>> expected) {
    long shared = 0;
    long all = 0;
    for (int i = 0; i < QUERIES; i++) {
      all += expected.get(i).size();
      shared += expected.get(i).stream().filter(found.get(i)::contains).count();
    }
    return (double) shared / all;
  }

  /** What a gallery answers, of which there is a snapshot afterwards. */
  private List<List<String>> saved(Results results, String check, String what)
      throws IOException, InterruptedException {
    try (Gallery before = gallery()) {
      results.note(check, what + "records applied per second, decoded already", fill(before));
      if (!type.equals("Flat")) {
        GalleryBench.settle(before, type);
      }
      GallerySnapshots snapshots = new GallerySnapshots(folder, "topic");
      results.note(check, what + "snapshot written, ms", ms(() -> snapshots.save(before)));
      return answers(before);
    }
  }

  private Gallery gallery() {
    return new Gallery(type, DIMENSION, Vectors.EXTRACTOR);
  }

  /** All records in their order. Gives the rate of the first ones, which add the photos. */
  private double fill(Gallery gallery) {
    Vectors vectors = new Vectors(seed, DIMENSION);
    double applying = 0;
    for (int i = 0; i < photos; i++) {
      var record = Vectors.record("photo-" + i, "label", vectors.next());
      long start = System.nanoTime();
      gallery.apply(0, i, "photo-" + i, record);
      applying += System.nanoTime() - start;
      if (i % 100_000 == 99_999) {
        System.err.printf(
            "restart: %d of %d records applied, %.0f a second%n",
            i + 1, photos, (i + 1) / (applying / 1e9));
      }
    }
    replace(gallery, vectors);
    for (int i = 0; i < photos; i++) {
      if (isRemoved(i)) {
        gallery.apply(0, gallery.state().version(), "photo-" + i, null);
      }
    }
    return photos / (applying / 1e9);
  }

  /** The last record of each photo, and no tombstones: they are gone. */
  private void fillCompacted(Gallery gallery) {
    Vectors vectors = new Vectors(seed, DIMENSION);
    for (int i = 0; i < photos; i++) {
      float[] vector = vectors.next();
      if (!isReplaced(i) && !isRemoved(i)) {
        gallery.apply(0, i, "photo-" + i, Vectors.record("photo-" + i, "label", vector));
      }
    }
    replace(gallery, vectors);
  }

  private void replace(Gallery gallery, Vectors vectors) {
    long offset = photos;
    for (int i = 0; i < photos; i++) {
      if (isReplaced(i)) {
        var record = Vectors.record("photo-" + i, "label", vectors.next());
        gallery.apply(0, offset++, "photo-" + i, record);
      }
    }
  }

  private static boolean isReplaced(int photo) {
    return photo % REPLACED == 0;
  }

  private static boolean isRemoved(int photo) {
    return photo % REMOVED == 7;
  }

  /** Reading and restoring take turns. */
  private void compare(
      Results results,
      String check,
      String what,
      Path file,
      List<List<String>> expected,
      boolean fromDisk)
      throws IOException, InterruptedException {
    Times reading = new Times();
    Times restoring = new Times();
    for (int round = 0; round < ROUNDS; round++) {
      if (fromDisk) {
        drop(file);
      }
      reading.add((long) (Double.parseDouble(peer.ask("read " + file.getFileName())) * 1e6));
      if (fromDisk) {
        drop(file);
      }
      try (Gallery after = gallery()) {
        restoring.add(
            (long) (ms(() -> new GallerySnapshots(folder, "topic").restore(after)) * 1e6));
        if (round == 0) {
          if (!fromDisk) {
            memory(results, check, what);
          }
          List<List<String>> found = answers(after);
          results.atMost(
              check, what + "of 1000 queries with another top 5", differing(found, expected), 0);
        }
      }
    }
    results.note(check, what + "reading the file into memory, ms", reading.quantile(0.5));
    results.note(check, what + "restored and searchable, ms", restoring.quantile(0.5));
    results.atMost(
        check,
        what + "restoring / reading the file",
        restoring.quantile(0.5) / reading.quantile(0.5),
        2);
  }

  /** What one gallery takes, straight after it was read. */
  private static void memory(Results results, String check, String what) throws IOException {
    System.gc();
    Runtime heap = Runtime.getRuntime();
    results.note(
        check,
        what + "Java heap in use, MiB",
        (heap.totalMemory() - heap.freeMemory()) / 1048576.0);
    results.note(
        check,
        what + "outside the heap, MiB",
        Endurance.residentMib() - heap.maxMemory() / 1048576.0);
  }

  /** Tells the kernel to forget what it holds of a file. */
  private static boolean drop(Path file) throws IOException, InterruptedException {
    try {
      Process dd =
          new ProcessBuilder(
                  "dd", "of=" + file, "oflag=nocache", "conv=notrunc,fdatasync", "count=0")
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      return dd.waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }

  private Path file() throws IOException {
    try (var files = Files.list(folder)) {
      return files.filter(f -> f.toString().endsWith(".snapshot")).findFirst().orElseThrow();
    }
  }

  private static List<List<String>> answers(Gallery gallery) {
    Vectors queries = new Vectors(9, DIMENSION);
    List<List<String>> answers = new ArrayList<>();
    for (int i = 0; i < QUERIES; i += 50) {
      List<float[]> batch = new ArrayList<>();
      for (int j = 0; j < 50; j++) {
        batch.add(queries.next());
      }
      gallery.search(batch, 5).hits().forEach(hits -> answers.add(ids(hits)));
    }
    return answers;
  }

  private static List<String> ids(List<GalleryHit> hits) {
    return hits.stream().map(hit -> hit.entry().galleryImageId()).toList();
  }

  private interface Work {
    void run() throws IOException;
  }

  private static double ms(Work work) throws IOException {
    long start = System.nanoTime();
    work.run();
    return (System.nanoTime() - start) / 1e6;
  }
}
