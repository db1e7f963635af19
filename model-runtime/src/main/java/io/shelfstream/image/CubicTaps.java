package io.shelfstream.image;

import org.jspecify.annotations.Nullable;

/** Which four source positions make each target position along one axis, and their weights. */
final class CubicTaps {
  private static final int TAPS = 4;
  private static final double A = -0.75;

  private final int source;
  private final int[] firsts;
  private final float[] weights;
  private final int firstInside;
  private final int endInside;

  CubicTaps(int source, int target) {
    this.source = source;
    firsts = new int[target];
    weights = new float[TAPS * target];
    int before = 0;
    int inside = 0;
    for (int i = 0; i < target; i++) {
      double at = (i + 0.5) * ((double) source / target) - 0.5;
      int first = (int) Math.floor(at) - 1;
      firsts[i] = first;
      if (first < 0) {
        before++;
      } else if (first + TAPS <= source) {
        inside++;
      }
      // Distances to the outer two are rounded to float32 twice; the inner two are one less.
      float t = (float) (at - Math.floor(at));
      double left = 1 + t;
      double right = 2 - t;
      weights[TAPS * i] = outer(left);
      weights[TAPS * i + 1] = inner(left - 1);
      weights[TAPS * i + 2] = inner(right - 1);
      weights[TAPS * i + 3] = outer(right);
    }
    firstInside = before;
    endInside = before + inside;
  }

  /** The same as last time where the sizes are the same, as frames of one camera are. */
  static CubicTaps of(@Nullable CubicTaps last, int source, int target) {
    return last != null && last.source == source && last.firsts.length == target
        ? last
        : new CubicTaps(source, target);
  }

  private static float inner(double x) {
    return (float) ((A + 2) * x * x * x - (A + 3) * x * x + 1);
  }

  private static float outer(double x) {
    return (float) (A * x * x * x - 5 * A * x * x + 8 * A * x - 4 * A);
  }

  /** Source position of tap k, 0 to 3; the border is repeated outwards. */
  int source(int target, int k) {
    return Math.max(0, Math.min(source - 1, firsts[target] + k));
  }

  float weight(int target, int k) {
    return weights[TAPS * target + k];
  }

  /** First source position of each target position, not held inside; not to be changed. */
  int[] firsts() {
    return firsts;
  }

  /** Four weights for each target position; not to be changed. */
  float[] weights() {
    return weights;
  }

  /** From here to {@link #endInside} all four source positions lie inside. */
  int firstInside() {
    return firstInside;
  }

  int endInside() {
    return endInside;
  }
}
