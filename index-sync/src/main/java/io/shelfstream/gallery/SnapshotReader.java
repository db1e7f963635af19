package io.shelfstream.gallery;

import io.shelfstream.gallery.SnapshotFile.Header;
import io.shelfstream.gallery.SnapshotFile.Part;
import io.shelfstream.gallery.SnapshotFile.Reading;
import io.shelfstream.gallery.SnapshotFile.Stretch;
import io.shelfstream.index.Segment;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
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

  /**
   * @param moment at which its photos come into the gallery
   */
  SnapshotReader(FileChannel channel, Header header, long moment) {
    this.channel = channel;
    this.header = header;
    this.moment = moment;
  }

  /**
   * @return what the gallery held; the caller closes them
   * @throws IOException saying what is wrong with the file: everything is closed then
   */
  List<LiveSegment> read() throws IOException {
    int threads = Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors());
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      finish(pool);
      return segments;
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

  private void finish(ExecutorService pool) throws IOException {
    List<Future<?>> reads = new ArrayList<>();
    for (Callable<?> task : tasks()) {
      reads.add(pool.submit(task));
    }
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

  private List<Callable<?>> tasks() throws IOException {
    List<Callable<?>> tasks = new ArrayList<>();
    List<Callable<?>> words = new ArrayList<>();
    for (Part part : header.parts()) {
      LiveSegment segment = segment(part);
      segments.add(segment);
      // Rows of one segment are appended in their order.
      tasks.add(
          () -> {
            vectors(part, segment.vectors());
            return null;
          });
      int first = 0;
      for (Stretch stretch : part.stretches()) {
        int from = first;
        words.add(
            () -> {
              words(stretch, segment, from);
              return null;
            });
        first += stretch.rows();
      }
    }
    tasks.addAll(words);
    return tasks;
  }

  private LiveSegment segment(Part part) throws IOException {
    int dimension = header.dimension();
    if (part.lists() == 0) {
      if (!part.type().equals(LiveSegment.EXACT)) {
        throw SnapshotFile.damaged("a segment of type " + part.type());
      }
      return LiveSegment.filled(
          Segment.block(dimension, part.rows()), new Photo[part.rows()], part.rows(), part.type());
    }
    if (!Segment.grows(part.type())) {
      throw SnapshotFile.damaged("a segment of type " + part.type());
    }
    int room = LiveSegment.roomFor(part.rows(), part.type());
    Segment index = Segment.index(part.type(), dimension, room);
    return LiveSegment.filled(index, new Photo[room], part.rows(), part.type());
  }

  private void vectors(Part part, Segment segment) throws IOException {
    if (part.lists() > 0) {
      segment.takeCentres(part.centres().read(channel).asFloatBuffer());
      segment.effort(part.effort());
    }
    int rowBytes = header.dimension() * Float.BYTES;
    int rows = Math.max(1, PIECE / rowBytes);
    ByteBuffer piece = SnapshotFile.direct(rows * rowBytes);
    for (Stretch stretch : part.stretches()) {
      ByteBuffer lists = stretch.lists().read(channel);
      Reading reading = new Reading(channel, stretch.vectors());
      for (int left = stretch.rows(); left > 0; left -= rows) {
        int some = Math.min(left, rows);
        reading.next(piece.clear().limit(some * rowBytes));
        Segment.requireUnitLength(
            piece.asFloatBuffer(), header.dimension(), VectorRecord.LENGTH_TOLERANCE);
        if (part.lists() == 0) {
          segment.append(piece.asFloatBuffer());
        } else {
          int[] of = new int[some];
          lists.asIntBuffer().get(of);
          lists.position(lists.position() + some * Integer.BYTES);
          segment.append(piece.asFloatBuffer(), of);
        }
      }
      reading.finish();
    }
  }

  private void words(Stretch stretch, LiveSegment segment, int first) throws IOException {
    int[] at = {first};
    new PhotoWords.Reader(stretch.words().read(channel))
        .read(
            stretch.rows(),
            (entry, fingerprint) -> segment.restore(at[0]++, fingerprint, entry, moment));
  }
}
