package io.shelfstream.index;

import java.nio.FloatBuffer;
import java.util.HashSet;
import java.util.Set;

/** Checks on arguments, in one wording for every index. */
final class Vectors {

  private Vectors() {}

  static void requireDimension(int dimension) {
    if (dimension < 1 || dimension > Limits.MAX_DIMENSION) {
      throw new IllegalArgumentException(
          "dimension " + dimension + " is outside 1 to " + Limits.MAX_DIMENSION);
    }
  }

  /** Counts the vectors between position and limit. */
  static int count(FloatBuffer vectors, int dimension) {
    int values = vectors.remaining();
    if (values % dimension != 0) {
      throw new IllegalArgumentException(
          "dimension " + dimension + " expected, got " + values + " values: not whole vectors");
    }
    return values / dimension;
  }

  /**
   * Counts the vectors between position and limit and looks at every value. Native code does the
   * same for a Faiss index, faster and in the same words.
   */
  static int require(FloatBuffer vectors, int dimension, Metric metric) {
    int rows = count(vectors, dimension);
    for (int row = 0; row < rows; row++) {
      requireRow(vectors, vectors.position() + row * dimension, dimension, metric, row);
    }
    return rows;
  }

  private static void requireRow(
      FloatBuffer vectors, int start, int dimension, Metric metric, int row) {
    float largest = 0;
    for (int i = 0; i < dimension; i++) {
      float magnitude = Math.abs(vectors.get(start + i));
      // Written so that NaN fails too.
      if (!(magnitude <= Limits.MAX_MAGNITUDE)) {
        throw new IllegalArgumentException(
            "vector %d refused: value %d is %s, not a finite number up to 1.1e15"
                .formatted(row, i, vectors.get(start + i)));
      }
      largest = Math.max(largest, magnitude);
    }
    if (largest == 0 && metric == Metric.INNER_PRODUCT) {
      throw new IllegalArgumentException(
          "vector " + row + " refused: it is all zeros and has no direction to compare");
    }
  }

  static void requireSameCount(long[] ids, int rows) {
    requireSameCount(ids.length, rows);
  }

  static void requireSameCount(int ids, int rows) {
    if (ids != rows) {
      throw new IllegalArgumentException(ids + " ids given for " + rows + " vectors");
    }
  }

  static void requireIds(long[] ids) {
    Set<Long> seen = new HashSet<>(ids.length * 2);
    for (long id : ids) {
      if (id < 0) {
        throw new IllegalArgumentException("id " + id + " refused: ids are 0 or larger");
      }
      if (!seen.add(id)) {
        throw new IllegalArgumentException("id " + id + " refused: it is twice in the batch");
      }
    }
  }

  /** Gives k, or the index's size when that is smaller. */
  static int requireNeighbors(int k, long size, int queries) {
    if (k < 1 || k > Limits.MAX_NEIGHBORS) {
      throw new IllegalArgumentException("k " + k + " is outside 1 to " + Limits.MAX_NEIGHBORS);
    }
    int found = (int) Math.min(k, size);
    if ((long) found * queries > Limits.MAX_RESULTS) {
      throw new IllegalArgumentException(
          "%d queries of %d neighbours refused: at most %d results at once"
              .formatted(queries, found, Limits.MAX_RESULTS));
    }
    return found;
  }
}
