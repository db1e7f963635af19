package io.shelfstream.follower;

/**
 * Figures of a gallery over JMX, read when asked for: {@code
 * io.shelfstream:type=gallery,topic=<vectors topic>}.
 */
public interface GalleryMXBean {

  /** Photos that a search can find. */
  int getPhotos();

  /** Vectors that were replaced or removed and are still in memory, until a compaction. */
  int getDeadVectors();

  /** Parts of the index that a search goes through. */
  int getSegments();

  /** Faiss factory string of the largest part. */
  String getIndexType();

  /** Records of the vectors topic that were processed, in all partitions. */
  long getVersion();

  /** Whether the topic was read to its end since the start. */
  boolean isCaughtUp();

  /** Compactions since the start. */
  long getCompactions();

  /** Duration of the last compaction, in milliseconds; NaN before the first. */
  double getLastCompactionMillis();

  /**
   * Share of the 10 nearest photos that the index finds, 0 to 1, measured on a sample when it was
   * trained last; 1 while it compares with every photo, NaN where it was read from a snapshot and
   * not trained since.
   */
  double getRecall();

  /**
   * Seconds since a snapshot last held the whole gallery; NaN without snapshots, and before the
   * first.
   */
  double getSnapshotAgeSeconds();

  /** Time to write the last snapshot, in milliseconds; NaN before the first. */
  double getLastSnapshotMillis();

  /** Bytes of vectors in memory outside the heap, deleted ones included. */
  long getVectorBytes();

  /** Bytes of vectors on GPUs, of all galleries of the process; 0 when only the CPU searches. */
  long getDeviceBytes();
}
