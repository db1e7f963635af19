package io.shelfstream.bench;

import io.shelfstream.gallery.Gallery;
import io.shelfstream.gallery.GalleryHit;
import io.shelfstream.gallery.GallerySnapshots;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A gallery from its snapshot, beside reading the file and beside applying all its records. */
final class Restart {

  private static final int DIMENSION = 512;
  private static final int QUERIES = 1000;

  private final int photos;
  private final long seed;
  private final Path folder;

  Restart(int photos, long seed, Path folder) {
    this.photos = photos;
    this.seed = seed;
    this.folder = folder;
  }

  void run(Results results) throws IOException {
    String check = "restart";
    results.note(check, "photos", photos);
    try (Gallery before = new Gallery("Flat", DIMENSION, Vectors.EXTRACTOR);
        Gallery after = new Gallery("Flat", DIMENSION, Vectors.EXTRACTOR)) {
      Vectors vectors = new Vectors(seed, DIMENSION);
      double applying = 0;
      for (int i = 0; i < photos; i++) {
        var record = Vectors.record("photo-" + i, "label", vectors.next());
        long start = System.nanoTime();
        before.apply(0, i, "photo-" + i, record);
        applying += System.nanoTime() - start;
      }
      results.note(check, "records applied per second, decoded already", photos / (applying / 1e9));
      GallerySnapshots snapshots = new GallerySnapshots(folder, "topic");
      results.note(check, "snapshot written, ms", ms(() -> snapshots.save(before)));
      Path file = file();
      results.note(check, "snapshot, MiB", Files.size(file) / 1048576.0);
      double reading = ms(() -> read(file));
      double restoring = ms(() -> new GallerySnapshots(folder, "topic").restore(after));
      results.note(check, "reading the file, ms", reading);
      results.note(check, "restored and searchable, ms", restoring);
      results.atMost(check, "restoring / reading the file", restoring / reading, 2);
      results.atMost(check, "of 1000 queries with another top 5", differences(before, after), 0);
    }
  }

  private Path file() throws IOException {
    try (var files = Files.list(folder)) {
      return files.filter(f -> f.toString().endsWith(".snapshot")).findFirst().orElseThrow();
    }
  }

  private static void read(Path file) throws IOException {
    byte[] some = new byte[1 << 20];
    long bytes = 0;
    try (InputStream in = Files.newInputStream(file)) {
      for (int read = in.read(some); read >= 0; read = in.read(some)) {
        bytes += read;
      }
    }
    if (bytes != Files.size(file)) {
      throw new IOException("read " + bytes + " bytes of " + file);
    }
  }

  private static int differences(Gallery before, Gallery after) {
    Vectors queries = new Vectors(9, DIMENSION);
    int different = 0;
    for (int i = 0; i < QUERIES; i += 50) {
      List<float[]> batch = new ArrayList<>();
      for (int j = 0; j < 50; j++) {
        batch.add(queries.next());
      }
      List<List<GalleryHit>> expected = before.search(batch, 5).hits();
      List<List<GalleryHit>> found = after.search(batch, 5).hits();
      for (int j = 0; j < 50; j++) {
        different += ids(expected.get(j)).equals(ids(found.get(j))) ? 0 : 1;
      }
    }
    return different;
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
