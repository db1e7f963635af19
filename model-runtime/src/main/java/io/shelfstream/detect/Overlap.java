package io.shelfstream.detect;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleBiFunction;

/** Non-maximum suppression: of boxes that overlap too much, only the best is kept. */
final class Overlap {
  private Overlap() {}

  /**
   * Greedy suppression.
   *
   * @param bestFirst candidates, best first
   * @param threshold a candidate goes when its overlap with a kept one is larger; compared as
   *     float32, as overlaps are: one of exactly 1/20 passes 0.05, as it does in numpy
   * @return those kept, best first
   */
  static <T> List<T> suppress(
      List<T> bestFirst, double threshold, ToDoubleBiFunction<T, T> overlap) {
    return suppress(bestFirst, threshold, overlap, Integer.MAX_VALUE);
  }

  /**
   * The same for the best alone: what comes after them is not looked at.
   *
   * @param most how many are kept at most
   */
  static <T> List<T> suppress(
      Iterable<T> bestFirst, double threshold, ToDoubleBiFunction<T, T> overlap, int most) {
    float limit = (float) threshold;
    List<T> kept = new ArrayList<>();
    for (T candidate : bestFirst) {
      if (kept.size() == most) {
        break;
      }
      boolean free = true;
      for (int i = 0; free && i < kept.size(); i++) {
        free = overlap.applyAsDouble(kept.get(i), candidate) <= limit;
      }
      if (free) {
        kept.add(candidate);
      }
    }
    return kept;
  }

  /** Intersection over union, 0 to 1; 0 when both are empty. */
  static double iou(Detection a, Detection b) {
    float width = Math.min(a.x2(), b.x2()) - Math.max(a.x1(), b.x1());
    float height = Math.min(a.y2(), b.y2()) - Math.max(a.y1(), b.y1());
    if (width <= 0 || height <= 0) {
      return 0;
    }
    float intersection = width * height;
    return intersection / (area(a) + area(b) - intersection);
  }

  private static float area(Detection d) {
    return (d.x2() - d.x1()) * (d.y2() - d.y1());
  }
}
