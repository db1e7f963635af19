package io.shelfstream.bench;

import io.shelfstream.gallery.Gallery;
import io.shelfstream.gallery.GalleryHit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Updates at a steady rate against a searched gallery: how long from the moment a record is due
 * until it is applied, which is when it is searchable (each is then searched for, too), and what
 * searches pay. Quiet and updating spells take turns, so that both see the same machine.
 */
final class Freshness {

  private static final int PHOTOS = 100_000;
  private static final int DIMENSION = 512;
  private static final int PER_SECOND = 100;

  /** Objects in a frame that are searched for together. */
  private static final int BATCH = 6;

  private static final int SPELL_SECONDS = 10;

  private final String type;
  private final int spells;
  private final Vectors vectors;
  private final Random random;
  private final Times quiet = new Times();
  private final Times updating = new Times();
  private final Times applied = new Times();
  private long offset;
  private final Map<String, Applied> newestOf = new ConcurrentHashMap<>();
  private volatile @Nullable Applied last;
  private int notFound;
  private int lookedFor;

  /** An update that is over. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  private record Applied(String id, float[] embedding) {}

  Freshness(String type, long seed, boolean quick) {
    this.type = type;
    this.spells = quick ? 1 : 6;
    this.vectors = new Vectors(seed, DIMENSION);
    this.random = new Random(seed);
  }

  void run(Results results) throws Exception {
    try (Gallery gallery = new Gallery(type, DIMENSION, Vectors.EXTRACTOR)) {
      for (int i = 0; i < PHOTOS; i++) {
        put(gallery, "photo-" + i, vectors.next());
      }
      GalleryBench.settle(gallery, type);
      // So near a compaction that one falls into the updates.
      for (int i = 0; i < PHOTOS / 10 - 500; i++) {
        put(gallery, "photo-" + i, vectors.next());
      }
      measure(gallery);
      String check = "freshness";
      results.note(check, type + " updates applied", applied.count());
      results.note(check, type + " record due to applied, p50 ms", applied.quantile(0.5));
      results.atMost(check, type + " record due to applied, p99 ms", applied.quantile(0.99), 50);
      results.atLeast(check, type + " applied and looked for", lookedFor, 100);
      results.atMost(check, type + " of these not found", notFound, 0);
      results.note(check, type + " quiet search of 6, p50 ms", quiet.quantile(0.5));
      results.note(check, type + " quiet search of 6, p99 ms", quiet.quantile(0.99));
      results.note(check, type + " updating search of 6, p50 ms", updating.quantile(0.5));
      results.note(check, type + " updating search of 6, p99 ms", updating.quantile(0.99));
      results.atMost(
          check,
          type + " search p99, updating / quiet",
          updating.quantile(0.99) / quiet.quantile(0.99),
          2);
    }
  }

  private void measure(Gallery gallery) throws Exception {
    ExecutorService pool = Executors.newSingleThreadExecutor();
    try {
      search(gallery, new Times(), new AtomicBoolean(), 3);
      for (int spell = 0; spell < spells; spell++) {
        search(gallery, quiet, new AtomicBoolean(), SPELL_SECONDS);
        AtomicBoolean done = new AtomicBoolean();
        Future<?> searches = pool.submit(() -> search(gallery, updating, done, 3600));
        update(gallery);
        done.set(true);
        searches.get();
      }
    } finally {
      pool.shutdownNow();
    }
  }

  private void search(Gallery gallery, Times times, AtomicBoolean done, int seconds) {
    Vectors queries = new Vectors(7, DIMENSION);
    long end = System.nanoTime() + seconds * 1_000_000_000L;
    while (!done.get() && System.nanoTime() < end) {
      Applied newest = last;
      List<float[]> batch = new ArrayList<>();
      batch.add(newest == null ? queries.next() : newest.embedding);
      while (batch.size() < BATCH) {
        batch.add(queries.next());
      }
      long start = System.nanoTime();
      List<GalleryHit> hits = gallery.search(batch, 10).hits().get(0);
      times.add(System.nanoTime() - start);
      // Unless it was replaced meanwhile.
      if (newest != null && newestOf.get(newest.id) == newest) {
        lookedFor++;
        notFound += hits.get(0).entry().galleryImageId().equals(newest.id) ? 0 : 1;
      }
    }
  }

  private void update(Gallery gallery) throws InterruptedException {
    long start = System.nanoTime();
    for (int i = 0; i < PER_SECOND * SPELL_SECONDS; i++) {
      String id = "photo-" + random.nextInt(PHOTOS);
      float[] embedding = vectors.next();
      long due = start + i * 1_000_000_000L / PER_SECOND;
      long early = due - System.nanoTime();
      if (early > 0) {
        Thread.sleep(early / 1_000_000, (int) (early % 1_000_000));
      }
      newestOf.remove(id);
      put(gallery, id, embedding);
      applied.add(System.nanoTime() - due);
      Applied now = new Applied(id, embedding);
      newestOf.put(id, now);
      last = now;
    }
    last = null;
  }

  private void put(Gallery gallery, String id, float[] embedding) {
    gallery.apply(0, offset++, id, Vectors.record(id, "label", embedding));
  }
}
