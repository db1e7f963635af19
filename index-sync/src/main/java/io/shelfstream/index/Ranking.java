package io.shelfstream.index;

import java.util.Arrays;
import java.util.Comparator;

/** The order of hits: nearest first, ties by smaller id. */
final class Ranking {

  private static final Comparator<Neighbor> BY_ID = Comparator.comparingLong(Neighbor::id);

  private static final Comparator<Neighbor> LARGEST_FIRST =
      Comparator.comparingDouble(Neighbor::score).reversed().thenComparing(BY_ID);

  private static final Comparator<Neighbor> SMALLEST_FIRST =
      Comparator.comparingDouble(Neighbor::score).thenComparing(BY_ID);

  private Ranking() {}

  static Comparator<Neighbor> order(Metric metric) {
    return metric == Metric.L2 ? SMALLEST_FIRST : LARGEST_FIRST;
  }

  /** One row of a native result; id -1 stands for "no more". */
  static Neighbor[] of(long[] ids, float[] scores, int start, int count, Metric metric) {
    Neighbor[] row = new Neighbor[count];
    int found = 0;
    for (int i = start; i < start + count; i++) {
      if (ids[i] >= 0) {
        row[found++] = new Neighbor(ids[i], scores[i]);
      }
    }
    Neighbor[] hits = Arrays.copyOf(row, found);
    Arrays.sort(hits, order(metric));
    return hits;
  }
}
