package io.shelfstream.index;

import java.nio.FloatBuffer;
import java.util.concurrent.CompletableFuture;

/**
 * Some rows of a segment, copied to a device. They never change.
 *
 * @param first row of the segment
 * @param count of rows, 1 or more
 * @param bytes what they take on the device
 */
record CopiedRows(DeviceThread device, Device.Rows rows, int first, int count, long bytes)
    implements AutoCloseable {

  int end() {
    return first + count;
  }

  /** Starts a search for the k nearest of n queries. */
  CompletableFuture<Found> search(FloatBuffer queries, int n, int k) {
    return device.submit(
        () -> {
          Found found = new Found(k, new long[n * k], new float[n * k]);
          rows.search(queries, n, k, found.positions, found.scores);
          return found;
        });
  }

  /**
   * What a device proposes.
   *
   * @param k for each query
   * @param positions n × k, counted from {@link #first}, best first; -1: no more
   */
  @SuppressWarnings("ArrayRecordComponent") // Never compared; lives for one search.
  record Found(int k, long[] positions, float[] scores) {}

  @Override
  public void close() {
    device.free(rows, bytes);
  }
}
