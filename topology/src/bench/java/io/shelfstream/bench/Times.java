package io.shelfstream.bench;

import java.util.Arrays;

/** Durations in milliseconds. */
final class Times {

  private double[] ms = new double[1024];
  private int count;

  void add(long nanos) {
    if (count == ms.length) {
      ms = Arrays.copyOf(ms, 2 * count);
    }
    ms[count++] = nanos / 1e6;
  }

  int count() {
    return count;
  }

  /** Of 0.5 the median. */
  double quantile(double share) {
    double[] sorted = Arrays.copyOf(ms, count);
    Arrays.sort(sorted);
    return sorted[(int) Math.min(count - 1L, Math.round(share * count))];
  }
}
