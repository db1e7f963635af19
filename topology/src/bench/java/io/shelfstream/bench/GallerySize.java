package io.shelfstream.bench;

import io.shelfstream.gallery.Gallery;
import io.shelfstream.gallery.GallerySnapshots;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a gallery of a size takes: memory while it fills and afterwards, its snapshot, and the time
 * of filling, writing, reading and searching. Each in a process of its own, whose memory is that of
 * one gallery and of one heap.
 */
final class GallerySize {
  private static final int DIMENSION = 512;
  private static final int QUERIES = 200;
  private static final int K = 5;
  private static final int HEAP_MIB = 1024;
  private static final long MOST_SECONDS = 3600;
  private static final String FILL = "fill";
  private static final String READ = "read";

  private GallerySize() {}

  /** Runs one type and size, and notes the figures. */
  static void run(String type, int photos, Path folder, Results results) throws Exception {
    String what = "%s %,d photos: ".formatted(type, photos);
    for (String step : List.of(FILL, READ)) {
      try (Program child =
          Program.java(
              folder.resolveSibling("gallery-size.log"),
              "-Xms" + HEAP_MIB + "m",
              "-Xmx" + HEAP_MIB + "m",
              "-XX:+AlwaysPreTouch",
              "-XX:TieredStopAtLevel=4",
              GallerySize.class.getName(),
              step,
              type,
              Integer.toString(photos),
              folder.toString())) {
        for (String line = child.line(MOST_SECONDS);
            !line.equals("end");
            line = child.line(MOST_SECONDS)) {
          String[] figure = line.split("\t");
          results.note("size", what + figure[0], Double.parseDouble(figure[1]));
        }
      }
    }
  }

  /**
   * One step, its figures on standard output.
   *
   * @param arguments step, index type, photos, folder of the snapshot
   */
  public static void main(String[] arguments) throws Exception {
    String type = arguments[1];
    int photos = Integer.parseInt(arguments[2]);
    Path folder = Path.of(arguments[3]);
    try (Gallery gallery = new Gallery(type, DIMENSION, Vectors.EXTRACTOR)) {
      Map<String, Double> figures =
          arguments[0].equals(FILL)
              ? fill(gallery, type, photos, folder)
              : read(gallery, type, folder);
      figures.forEach((name, value) -> System.out.println(name + "\t" + value));
    }
    System.out.println("end");
  }

  private static Map<String, Double> fill(Gallery gallery, String type, int photos, Path folder)
      throws Exception {
    Vectors vectors = new Vectors(7, DIMENSION);
    long applying = 0;
    for (int i = 0; i < photos; i++) {
      String id = "photo-" + i;
      var record = Vectors.record(id, "label", vectors.next());
      long begin = System.nanoTime();
      gallery.apply(0, i, id, record);
      applying += System.nanoTime() - begin;
      if (i % 100_000 == 99_999) {
        System.err.printf("size: %s, %,d of %,d photos%n", type, i + 1, photos);
      }
    }
    long begin = System.nanoTime();
    if (!type.equals("Flat")) {
      GalleryBench.settle(gallery, type);
    }
    Map<String, Double> figures = new LinkedHashMap<>();
    figures.put("applied, s", applying / 1e9);
    figures.put("then until all are in the index, s", (System.nanoTime() - begin) / 1e9);
    figures.put("most memory outside the heap, MiB", Endurance.mostResidentMib() - HEAP_MIB);
    begin = System.nanoTime();
    new GallerySnapshots(folder, "topic").save(gallery);
    figures.put("snapshot written, s", (System.nanoTime() - begin) / 1e9);
    try (var files = Files.list(folder)) {
      long bytes = 0;
      for (Path file : files.toList()) {
        bytes += Files.size(file);
      }
      figures.put("snapshot, MiB", bytes / 1048576.0);
    }
    return figures;
  }

  private static Map<String, Double> read(Gallery gallery, String type, Path folder)
      throws Exception {
    double before = Endurance.residentMib();
    long begin = System.nanoTime();
    if (!new GallerySnapshots(folder, "topic").restore(gallery)) {
      throw new IllegalStateException("the snapshot could not be read");
    }
    Map<String, Double> figures = new LinkedHashMap<>();
    figures.put("snapshot read and searchable, s", (System.nanoTime() - begin) / 1e9);
    begin = System.nanoTime();
    if (!type.equals("Flat")) {
      GalleryBench.settle(
          gallery, type); // a snapshot has plain vectors, which half precision has not
    }
    figures.put("then until all are in the index, s", (System.nanoTime() - begin) / 1e9);
    figures.put("memory of it outside the heap, MiB", Endurance.residentMib() - before);
    figures.put(
        "most memory outside the heap after reading, MiB", Endurance.mostResidentMib() - before);
    System.gc();
    Runtime heap = Runtime.getRuntime();
    figures.put("Java heap in use, MiB", (heap.totalMemory() - heap.freeMemory()) / 1048576.0);
    Vectors queries = new Vectors(9, DIMENSION);
    List<List<float[]>> frames = new ArrayList<>();
    for (int i = 0; i < QUERIES; i++) {
      frames.add(List.of(queries.next()));
    }
    Times times = new Times();
    for (int round = 0; round < 2; round++) {
      times = new Times();
      for (List<float[]> frame : frames) {
        long start = System.nanoTime();
        gallery.search(frame, K);
        times.add(System.nanoTime() - start);
      }
    }
    figures.put("search of one object, median, ms", times.quantile(0.5));
    figures.put("search of one object, 95 of 100, ms", times.quantile(0.95));
    return figures;
  }
}
