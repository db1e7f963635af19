package io.shelfstream.bench;

import io.shelfstream.gallery.Gallery;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.gallery.GalleryHit;
import io.shelfstream.gallery.GallerySnapshots;
import io.shelfstream.gallery.GalleryState;
import io.shelfstream.gallery.PhotoFilter;
import io.shelfstream.index.Segment;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Random changes and searches, with and without filters, on several threads against a model in
 * plain Java, while the gallery compacts itself and snapshots of it are written and read. Fails on
 * the first answer that contradicts what was acknowledged before the search began and did not
 * change until it ended.
 */
final class UnderFire {

  private static final int PHOTOS = 5000;
  private static final int DIMENSION = 64;
  private static final int WRITERS = 2;
  private static final int SEARCHERS = 2;
  private static final int STORES = 7;

  private final String type;
  private final long seed;
  private final Duration duration;
  private final Path folder;
  private final Gallery gallery;
  private final AtomicLong offset = new AtomicLong();
  private final AtomicLong changes = new AtomicLong();
  private final AtomicLong checks = new AtomicLong();
  private final AtomicLong snapshots = new AtomicLong();

  /** What is known of each photo: null while its change is under way. */
  private final AtomicReferenceArray<@Nullable Known> model = new AtomicReferenceArray<>(PHOTOS);

  /**
   * A new object for each change, so that a comparison by identity tells whether one came between.
   */
  private static final class Known {
    final float[] embedding;
    final @Nullable String label;
    final long acknowledged = System.nanoTime();

    /**
     * @param label null for a photo that was removed; then the embedding is its last one
     */
    Known(float[] embedding, @Nullable String label) {
      this.embedding = embedding;
      this.label = label;
    }
  }

  /**
   * @param folder for snapshots
   */
  UnderFire(String type, long seed, Duration duration, Path folder) {
    this.folder = folder;
    this.type = type;
    this.seed = seed;
    this.duration = duration;
    this.gallery = new Gallery(type, DIMENSION, Vectors.EXTRACTOR);
  }

  void run(Results results) throws Exception {
    long openBefore = Segment.open() - 1;
    ExecutorService pool = Executors.newFixedThreadPool(WRITERS + SEARCHERS + 1);
    long end = System.nanoTime() + duration.toNanos();
    try (gallery) {
      List<Future<?>> threads = new ArrayList<>();
      for (int i = 0; i < WRITERS; i++) {
        int writer = i;
        threads.add(pool.submit(() -> change(writer, end)));
      }
      for (int i = 0; i < SEARCHERS; i++) {
        Random random = new Random(seed + 100 + i);
        threads.add(pool.submit(() -> search(random, end)));
      }
      threads.add(
          pool.submit(
              () -> {
                snapshots(end);
                return null;
              }));
      for (Future<?> thread : threads) {
        thread.get();
      }
      requireSame();
    } finally {
      pool.shutdownNow();
    }
    GalleryBench.await(() -> Segment.open() == openBefore);
    String check = "fire";
    results.note(check, type + " seconds", duration.toSeconds());
    results.note(check, type + " changes", changes.get());
    // A wrong one ends the run.
    results.atLeast(check, type + " answers checked, all of them right", checks.get(), 1000);
    results.atLeast(check, type + " snapshots read back, all of them right", snapshots.get(), 3);
    results.note(
        check,
        type + " photos moved by the last compaction",
        gallery.lastCompaction().orElseThrow().photos());
    results.atMost(check, type + " native segments left open", Segment.open() - openBefore, 0);
  }

  /** Each writer has photos of its own: the model needs no lock. */
  private void change(int writer, long end) {
    Random random = new Random(seed + writer);
    Vectors vectors = new Vectors(seed + writer, DIMENSION);
    while (System.nanoTime() < end) {
      int photo = random.nextInt(PHOTOS / WRITERS) * WRITERS + writer;
      Known before = model.get(photo);
      model.set(photo, null);
      Known after;
      int what = random.nextInt(10);
      if (what < 3 && before != null && before.label != null) {
        gallery.apply(writer, offset.getAndIncrement(), id(photo), null);
        after = new Known(before.embedding, null);
      } else {
        String label = "label " + random.nextInt(1000);
        // Some only say something else of the same picture, some bring it back.
        float[] embedding = what < 5 && before != null ? before.embedding : vectors.next();
        gallery.apply(
            writer,
            offset.getAndIncrement(),
            id(photo),
            Vectors.record(id(photo), label, embedding, Map.of("stores", store(label))));
        after = new Known(embedding, label);
      }
      model.set(photo, after);
      changes.incrementAndGet();
      // Leaves the searches some of the processor.
      LockSupport.parkNanos(20_000);
    }
  }

  private void search(Random random, long end) {
    while (System.nanoTime() < end) {
      List<Integer> photos = new ArrayList<>();
      List<Known> before = new ArrayList<>();
      int batch = 1 + random.nextInt(12);
      while (photos.size() < batch && System.nanoTime() < end) {
        int photo = random.nextInt(PHOTOS);
        Known known = model.get(photo);
        if (known != null) {
          photos.add(photo);
          before.add(known);
        }
      }
      if (photos.isEmpty()) {
        return;
      }
      int chosen = random.nextInt(STORES + 1);
      String store = chosen == STORES ? null : "" + chosen;
      PhotoFilter filter =
          store == null ? PhotoFilter.NONE : new PhotoFilter(Map.of("stores", store));
      long start = System.nanoTime();
      List<List<GalleryHit>> found =
          gallery.search(before.stream().map(known -> known.embedding).toList(), 10, filter).hits();
      for (int i = 0; i < photos.size(); i++) {
        check(photos.get(i), before.get(i), found.get(i), store, start);
      }
    }
  }

  private void check(
      int photo, Known before, List<GalleryHit> hits, @Nullable String store, long start) {
    for (GalleryHit hit : hits) {
      if (store != null && !store.equals(hit.entry().attributes().get("stores"))) {
        throw wrong("store %s was asked for, yet: %s", store, hit);
      }
    }
    if (model.get(photo) == before
        && before.label != null
        && (store == null || store.equals(store(before.label)))) {
      GalleryHit own =
          hits.stream()
              .filter(hit -> hit.entry().galleryImageId().equals(id(photo)))
              .findFirst()
              .orElse(null);
      if (own == null || own.score() < 0.999f || !own.entry().label().equals(before.label)) {
        throw wrong("photo %d, said to be '%s', is not found so: %s", photo, before.label, hits);
      }
    }
    for (GalleryHit hit : hits) {
      int number = Integer.parseInt(hit.entry().galleryImageId().substring("photo-".length()));
      Known known = model.get(number);
      if (known != null && known.acknowledged < start && known.label == null) {
        throw wrong(
            "photo %d was removed %d ns before the search, yet: %s",
            number, start - known.acknowledged, hits);
      }
      if (known != null && known.acknowledged < start && !hit.entry().label().equals(known.label)) {
        throw wrong("photo %d is '%s', not: %s", number, known.label, hit);
      }
    }
    checks.incrementAndGet();
  }

  /** Writes snapshots and reads each into another gallery, until the end. */
  private void snapshots(long end) throws IOException, InterruptedException {
    GallerySnapshots writer = new GallerySnapshots(folder, "topic");
    while (System.nanoTime() < end) {
      List<@Nullable Known> before = new ArrayList<>();
      for (int i = 0; i < PHOTOS; i++) {
        before.add(model.get(i));
      }
      writer.save(gallery);
      try (Gallery read = new Gallery(type, DIMENSION, Vectors.EXTRACTOR)) {
        if (!new GallerySnapshots(folder, "topic").restore(read)) {
          throw wrong("a snapshot could not be read");
        }
        Map<String, GalleryEntry> entries =
            read.entries().stream()
                .collect(Collectors.toMap(GalleryEntry::galleryImageId, Function.identity()));
        for (int i = 0; i < PHOTOS; i++) {
          Known known = before.get(i);
          if (known != null && model.get(i) == known) {
            check(read, id(i), known, entries.get(id(i)));
          }
        }
      }
      snapshots.incrementAndGet();
      Thread.sleep(500);
    }
  }

  private void check(Gallery read, String id, Known known, @Nullable GalleryEntry entry) {
    String label = entry == null ? null : entry.label();
    if (!Objects.equals(label, known.label)) {
      throw wrong("%s is '%s', but '%s' in a snapshot", id, known.label, label);
    }
    if (entry != null && id.endsWith("7")) {
      GalleryHit best = read.search(List.of(known.embedding), 10).hits().get(0).get(0);
      if (best.score() < 0.999f) {
        throw wrong("%s is not found in a snapshot: %s", id, best);
      }
    }
  }

  private static String store(String label) {
    return "" + Math.floorMod(label.hashCode(), STORES);
  }

  private void requireSame() {
    int live = 0;
    for (int i = 0; i < PHOTOS; i++) {
      Known known = model.get(i);
      live += known != null && known.label != null ? 1 : 0;
    }
    GalleryState state = gallery.state();
    if (state.size() != live || gallery.entries().size() != live) {
      throw wrong("%d photos expected at the end, got %s", live, state);
    }
  }

  private AssertionError wrong(String format, Object... values) {
    return new AssertionError(
        "gallery of type %s, seed %d: ".formatted(type, seed) + format.formatted(values));
  }

  private static String id(int photo) {
    return "photo-" + photo;
  }
}
