package io.shelfstream.gallery;

import io.shelfstream.gallery.SnapshotFile.Header;
import io.shelfstream.gallery.SnapshotFile.Part;
import io.shelfstream.gallery.SnapshotFile.Reading;
import io.shelfstream.gallery.SnapshotFile.Stretch;
import io.shelfstream.index.Segment;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Reads the segments of a snapshot, several at a time, straight into their memory. A segment counts
 * only when all checksums fit; until then nobody sees it.
 */
final class SnapshotReader {

  /** Of one read: small enough to be in the cache still when its checksum is computed. */
  private static final int PIECE = 512 << 10;

  private static final int MOST_THREADS = 4;

  private final FileChannel channel;
  private final Header header;
  private final long moment;
  private final List<LiveSegment> segments = new ArrayList<>();
  private final List<Segment.Filling> fillings = new ArrayList<>();
  private final List<Callable<?>> wordTasks = new ArrayList<>();
  private final List<Callable<?>> vectorTasks = new ArrayList<>();

  /**
   * @param moment at which its photos come into the gallery
   */
  SnapshotReader(FileChannel channel, Header header, long moment) {
    this.channel = channel;
    this.header = header;
    this.moment = moment;
  }

  /** What the gallery held; the caller closes the segments. */
  record Restored(List<LiveSegment> segments, RestoredPhotos photos) {}

  /**
   * @throws IOException saying what is wrong with the file: everything is closed then
   */
  Restored read() throws IOException {
    int threads = Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors());
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      prepare();
      List<Future<?>> words = submitted(wordTasks, pool);
      List<Future<?>> vectors = submitted(vectorTasks, pool);
      await(words);
      RestoredPhotos photos = new RestoredPhotos(segments);
      await(vectors);
      fillings.forEach(Segment.Filling::finish);
      return new Restored(segments, photos);
    } catch (IOException | RuntimeException e) {
      pool.shutdownNow();
      awaitEnd(pool);
      segments.forEach(segment -> segment.vectors().close());
      if (e instanceof IllegalArgumentException) {
        // Numbers that no gallery can hold: refused as those of a record would be.
        throw new IOException("it is damaged: " + e.getMessage(), e);
      }
      throw e;
    } finally {
      pool.shutdown();
    }
  }

  private static List<Future<?>> submitted(List<Callable<?>> tasks, ExecutorService pool) {
    List<Future<?>> futures = new ArrayList<>();
    tasks.forEach(task -> futures.add(pool.submit(task)));
    return futures;
  }

  private static void await(List<Future<?>> reads) throws IOException {
    for (Future<?> read : reads) {
      try {
        read.get();
      } catch (ExecutionException e) {
        throw failure(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted");
      }
    }
  }

  private static IOException failure(ExecutionException failed) {
    if (failed.getCause() instanceof RuntimeException e) {
      throw e;
    }
    return failed.getCause() instanceof IOException e ? e : new IOException(failed);
  }

  // The segments must not be closed under a task.
  private static void awaitEnd(ExecutorService pool) {
    boolean interrupted = false;
    while (!pool.isTerminated()) {
      try {
        boolean unused = pool.awaitTermination(1, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void prepare() throws IOException {
    for (Part part : header.parts()) {
      RestoredWords[] words = new RestoredWords[part.stretches().size()];
      Segment vectors = segment(part);
      segments.add(LiveSegment.restored(vectors, part.rows(), part.type(), words, moment));
      Segment.Filling filling =
          vectors.fill(rowsOfGroups(part, vectors), VectorRecord.LENGTH_TOLERANCE);
      fillings.add(filling);
      for (int i = 0; i < words.length; i++) {
        int number = i;
        Stretch stretch = part.stretches().get(i);
        wordTasks.add(
            () -> {
              words[number] = new RestoredWords(stretch.words().read(channel), stretch.rows());
              return null;
            });
        vectorTasks.add(
            () -> {
              vectors(stretch, filling, number * SnapshotFile.STRETCH);
              return null;
            });
      }
    }
  }

  private Segment segment(Part part) throws IOException {
    boolean exact = part.lists() == 0 && part.type().equals(LiveSegment.EXACT);
    if (exact && part.rows() > 0) {
      return Segment.block(header.dimension(), part.rows());
    }
    if (part.lists() == 0 || !Segment.hasLists(part.type())) {
      throw SnapshotFile.damaged(
          "a segment of type %s with %d rows".formatted(part.type(), part.rows()));
    }
    return Segment.index(
        part.type(), header.dimension(), LiveSegment.roomFor(part.rows(), part.type()));
  }

  private int[] rowsOfGroups(Part part, Segment segment) throws IOException {
    if (part.lists() == 0) {
      return new int[] {part.rows()};
    }
    segment.takeCentres(part.centres().read(channel).asFloatBuffer());
    segment.effort(part.effort());
    int[] rows = new int[part.lists()];
    part.counts().read(channel).asIntBuffer().get(rows);
    long sum = Arrays.stream(rows).asLongStream().sum();
    if (sum != part.rows()) {
      throw SnapshotFile.damaged("%d rows in lists of %d".formatted(sum, part.rows()));
    }
    return rows;
  }

  private void vectors(Stretch stretch, Segment.Filling filling, int first) throws IOException {
    Reading reading = new Reading(channel, stretch.vectors());
    int atOnce = Math.max(1, PIECE / (header.dimension() * Float.BYTES));
    filling.take(first, stretch.rows(), atOnce, reading::next);
    reading.finish();
  }
}
