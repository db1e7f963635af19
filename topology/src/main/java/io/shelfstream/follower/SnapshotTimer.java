package io.shelfstream.follower;

import io.shelfstream.gallery.Gallery;
import io.shelfstream.gallery.GallerySnapshots;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Restores a gallery from its newest snapshot, then writes new snapshots at intervals and when
 * closed.
 */
final class SnapshotTimer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SnapshotTimer.class);

  private final GallerySnapshots snapshots;
  private final Gallery gallery;
  private volatile double lastMillis = Double.NaN;
  private volatile @Nullable Long savedAt;

  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          work -> {
            Thread thread = new Thread(work, "gallery-snapshots");
            thread.setDaemon(true);
            return thread;
          });

  /**
   * @param gallery empty; closed by its owner, after this
   * @param topicId Kafka's id of the vectors topic
   * @param ends of its partitions
   * @throws IllegalStateException when the folder cannot be used
   */
  static SnapshotTimer restore(
      Path folder, Duration interval, Gallery gallery, String topicId, Map<Integer, Long> ends) {
    try {
      GallerySnapshots snapshots = new GallerySnapshots(folder, topicId);
      boolean restored = snapshots.restore(gallery, partition -> ends.getOrDefault(partition, 0L));
      SnapshotTimer timer = new SnapshotTimer(snapshots, gallery, interval);
      timer.savedAt = restored ? System.nanoTime() : null;
      return timer;
    } catch (IOException e) {
      throw new IllegalStateException(
          "Gallery snapshots cannot be kept in "
              + folder
              + ": "
              + e.getMessage()
              + "; name another directory in index.snapshot.dir, or leave it unset",
          e);
    }
  }

  private SnapshotTimer(GallerySnapshots snapshots, Gallery gallery, Duration interval) {
    this.snapshots = snapshots;
    this.gallery = gallery;
    timer.scheduleWithFixedDelay(
        this::save, interval.toMillis(), interval.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Seconds since a snapshot last held the whole gallery; NaN before the first. */
  double ageSeconds() {
    Long at = savedAt;
    return at == null ? Double.NaN : (System.nanoTime() - at) / 1e9;
  }

  /** Milliseconds that writing the last one took; NaN before the first. */
  double lastMillis() {
    return lastMillis;
  }

  private synchronized void save() {
    long start = System.nanoTime();
    try {
      boolean isWritten = snapshots.save(gallery);
      savedAt = start;
      if (isWritten) {
        lastMillis = (System.nanoTime() - start) / 1e6;
      }
    } catch (IOException | RuntimeException e) {
      log.atError()
          .setCause(e)
          .log("Gallery snapshot was not written; the next start reads more of the topic");
    }
  }

  @Override
  public void close() {
    timer.shutdown();
    save();
  }
}
