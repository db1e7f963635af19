package io.shelfstream.gallery;

import io.shelfstream.index.IndexType;
import io.shelfstream.index.Neighbor;
import io.shelfstream.index.Segment;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * How many of the nearest photos an approximate index finds. The queries are photos of the gallery
 * itself, each without its own hit.
 */
final class Recall {

  private static final int QUERIES = 100;
  private static final int NEAREST = 10;

  /** Below it a search looks at twice as much. */
  static final double GOAL = 0.95;

  private final Segment index;
  private final List<Segment.View> views;
  private final int least;
  private final int most;
  private final int[] positions;
  private final FloatBuffer queries;
  private final Neighbor[][] exact;

  private Recall(Segment index, int rows, int least, int most) {
    this.index = index;
    this.views = List.of(new Segment.View(index, rows));
    this.least = least;
    this.most = most;
    this.positions = new int[Math.min(QUERIES, rows)];
    Arrays.setAll(positions, i -> (int) ((long) i * rows / positions.length));
    this.queries = index.copy(positions);
    this.exact = search(true);
  }

  /**
   * @param type of the index
   * @param rows vectors in it
   */
  static Recall of(Segment index, IndexType type, int rows) {
    return type.isIvf()
        ? new Recall(index, rows, 8, type.lists())
        : new Recall(index, rows, 32, 1024);
  }

  /**
   * Sets the index's nprobe or efSearch to the least doubling that reaches {@link #GOAL}, or to the
   * most there is.
   *
   * @return the recall reached
   */
  OptionalDouble tune() {
    int value = Math.min(least, most);
    while (true) {
      index.searchParameter(value);
      double recall = measure();
      if (recall >= GOAL || value >= most) {
        return OptionalDouble.of(recall);
      }
      value = Math.min(value * 2, most);
    }
  }

  private double measure() {
    Neighbor[][] found = search(false);
    int wanted = 0;
    int hit = 0;
    for (int i = 0; i < positions.length; i++) {
      Set<Long> seen = others(found[i], positions[i]);
      Set<Long> nearest = others(exact[i], positions[i]);
      wanted += nearest.size();
      nearest.retainAll(seen);
      hit += nearest.size();
    }
    return wanted == 0 ? 1 : (double) hit / wanted;
  }

  private static Set<Long> others(Neighbor[] hits, int self) {
    Set<Long> ids = new HashSet<>();
    for (Neighbor hit : hits) {
      if (Segment.position(hit.id()) != self && ids.size() < NEAREST) {
        ids.add(hit.id());
      }
    }
    return ids;
  }

  private Neighbor[][] search(boolean wholly) {
    return Segment.searchQuietly(views, 0, wholly, queries.duplicate(), NEAREST + 1);
  }
}
