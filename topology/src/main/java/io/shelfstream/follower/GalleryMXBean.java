package io.shelfstream.follower;

/**
 * Figures of a gallery over JMX, read when asked for: {@code
 * io.shelfstream:type=gallery,topic=<vectors topic>}.
 */
public interface GalleryMXBean {

  /** Photos that a search can find. */
  int getPhotos();

  /** Vectors that were replaced or removed and still lie in the index, until a compaction. */
  int getDeadVectors();

  /** Parts of the index that a search goes through. */
  int getSegments();

  /** Faiss factory string of the largest part. */
  String getIndexType();

  /** Records of the vectors topic that were taken in, of all partitions. */
  long getVersion();

  /** Whether the topic was read to its end since the start. */
  boolean isCaughtUp();

  /** Compactions since the start. */
  long getCompactions();

  /** What the last compaction took; NaN before the first. */
  double getLastCompactionMillis();

  /**
   * Share of the 10 nearest photos that the index finds, 0 to 1, measured on a sample when it was
   * trained last; 1 while it compares with every photo, NaN where it was read from a snapshot and
   * not trained since.
   */
  double getRecall();

  /**
   * Seconds since a snapshot held all that was there; NaN without snapshots, and before the first.
   */
  double getSnapshotAgeSeconds();

  /** What writing the last snapshot took; NaN before the first. */
  double getLastSnapshotMillis();

  /** Bytes of vectors on GPUs, of all galleries of the process; 0 where the CPU searches alone. */
  long getDeviceBytes();
}
