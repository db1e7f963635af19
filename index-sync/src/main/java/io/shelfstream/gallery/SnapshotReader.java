package io.shelfstream.gallery;

import io.shelfstream.gallery.SnapshotFile.Chunk;
import io.shelfstream.gallery.SnapshotFile.Header;
import io.shelfstream.gallery.SnapshotFile.Part;
import io.shelfstream.gallery.SnapshotFile.Reading;
import io.shelfstream.index.IndexType;
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
  private final long sequence;
  private final List<LiveSegment> segments = new ArrayList<>();
  private final List<Segment.Filling> fillings = new ArrayList<>();
  private final List<Callable<?>> metadataTasks = new ArrayList<>();
  private final List<Callable<?>> vectorTasks = new ArrayList<>();

  /**
   * @param sequence of the change that brings its photos into the gallery
   */
  SnapshotReader(FileChannel channel, Header header, long sequence) {
    this.channel = channel;
    this.header = header;
    this.sequence = sequence;
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
      List<Future<?>> read = submitted(metadataTasks, pool);
      List<Future<?>> vectors = submitted(vectorTasks, pool);
      await(read);
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
      RestoredMetadata[] metadata = new RestoredMetadata[part.chunks().size()];
      Segment vectors = segment(part);
      segments.add(
          LiveSegment.restored(
              vectors, part.rows(), IndexType.of(part.type()), metadata, sequence));
      Segment.Filling filling =
          vectors.fill(rowsOfGroups(part, vectors), VectorRecord.LENGTH_TOLERANCE);
      fillings.add(filling);
      for (int i = 0; i < metadata.length; i++) {
        int number = i;
        Chunk chunk = part.chunks().get(i);
        metadataTasks.add(
            () -> {
              metadata[number] = new RestoredMetadata(chunk.metadata().read(channel), chunk.rows());
              return null;
            });
        vectorTasks.add(
            () -> {
              vectors(chunk, filling, number * SnapshotFile.CHUNK);
              return null;
            });
      }
    }
  }

  private Segment segment(Part part) throws IOException {
    IndexType type = IndexType.of(part.type());
    boolean exact = part.lists() == 0 && type.isFlat();
    if (exact && part.rows() > 0) {
      return Segment.block(header.dimension(), part.rows());
    }
    if (part.lists() == 0 || !type.hasPlainLists()) {
      throw SnapshotFile.damaged(
          "a segment of type %s with %d rows".formatted(part.type(), part.rows()));
    }
    return Segment.index(type, header.dimension(), LiveSegment.roomFor(part.rows(), type));
  }

  private int[] rowsOfGroups(Part part, Segment segment) throws IOException {
    if (part.lists() == 0) {
      return new int[] {part.rows()};
    }
    segment.takeCentres(part.centres().read(channel).asFloatBuffer());
    segment.searchParameter(part.searchParameter());
    int[] rows = new int[part.lists()];
    part.counts().read(channel).asIntBuffer().get(rows);
    long sum = Arrays.stream(rows).asLongStream().sum();
    if (sum != part.rows()) {
      throw SnapshotFile.damaged("%d rows in lists of %d".formatted(sum, part.rows()));
    }
    return rows;
  }

  private void vectors(Chunk chunk, Segment.Filling filling, int first) throws IOException {
    Reading reading = new Reading(channel, chunk.vectors());
    int atOnce = Math.max(1, PIECE / (header.dimension() * Float.BYTES));
    filling.take(first, chunk.rows(), atOnce, reading::next);
    reading.finish();
  }
}
