package io.shelfstream.evaluate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What would become of queries at any match.threshold and match.margin: each is counted once, by
 * its score and margin, and every pair of settings reads its shares from these counts. A query is
 * named when its score is not below the threshold and its margin not below the margin, in float, as
 * recognition decides.
 *
 * <p>The thresholds are the multiples of 0.001, the margins those of 0.005 up to 0.5; the settings
 * that are in use are among them. Not thread-safe.
 */
public final class Decisions {
  private static final int THRESHOLDS_PER_UNIT = 1000;
  private static final int MARGINS_PER_UNIT = 200;
  private static final int LARGEST_MARGIN = MARGINS_PER_UNIT / 2;

  private static final int RIGHT = 0;
  private static final int WRONG = 1;
  private static final int STRANGER = 2;

  private final float[] thresholds;
  private final float[] margins;

  /** By kind, threshold and margin: queries that reach these, but not the next ones. */
  private final int[][][] counts;

  private final int[] totals = new int[STRANGER + 1];
  private final FloatList known = new FloatList();
  private final FloatList strangers = new FloatList();

  /**
   * What becomes of the queries at one pair of settings.
   *
   * @param knownRight queries of known products that get their own label
   * @param knownWrong those that get another label
   * @param knownBelow those that score below the threshold: UNKNOWN. The rest is AMBIGUOUS
   * @param known all of them
   * @param strangersNamed queries of products that are not in the gallery and get a label
   * @param strangersBelow those that score below the threshold
   * @param strangers all of these
   */
  public record Outcome(
      float threshold,
      float margin,
      int knownRight,
      int knownWrong,
      int knownBelow,
      int known,
      int strangersNamed,
      int strangersBelow,
      int strangers) {

    /** Queries that get a label. */
    public int named() {
      return knownRight + knownWrong + strangersNamed;
    }

    /** Share of the named ones whose label is right; NaN when none is named. */
    public double precision() {
      return (double) knownRight / named();
    }

    /** Share of the known ones that get their own label; NaN when there are none. */
    public double coverage() {
      return (double) knownRight / known;
    }

    /** The counts of both together; the settings stay these. */
    Outcome plus(Outcome other) {
      return new Outcome(
          threshold,
          margin,
          knownRight + other.knownRight,
          knownWrong + other.knownWrong,
          knownBelow + other.knownBelow,
          known + other.known,
          strangersNamed + other.strangersNamed,
          strangersBelow + other.strangersBelow,
          strangers + other.strangers);
    }
  }

  /** A growing array. */
  private static final class FloatList {
    private float[] values = new float[64];
    private int size;

    void add(float value) {
      if (size == values.length) {
        values = Arrays.copyOf(values, size * 2);
      }
      values[size++] = value;
    }

    float[] sorted() {
      float[] sorted = Arrays.copyOf(values, size);
      Arrays.sort(sorted);
      return sorted;
    }
  }

  /** No queries yet. */
  Decisions(float thresholdInUse, float marginInUse) {
    thresholds =
        settings(-THRESHOLDS_PER_UNIT, THRESHOLDS_PER_UNIT, THRESHOLDS_PER_UNIT, thresholdInUse);
    margins = settings(0, LARGEST_MARGIN, MARGINS_PER_UNIT, marginInUse);
    counts = new int[totals.length][thresholds.length][margins.length];
  }

  /** In rising order; each the float that the configuration reads from its decimal number. */
  private static float[] settings(int from, int to, int perUnit, float inUse) {
    float[] steps = new float[to - from + 1];
    for (int step = from; step <= to; step++) {
      steps[step - from] = (float) step / perUnit;
    }
    if (Arrays.binarySearch(steps, inUse) >= 0) {
      return steps;
    }
    float[] all = Arrays.copyOf(steps, steps.length + 1);
    all[steps.length] = inUse;
    Arrays.sort(all);
    return all;
  }

  /**
   * Counts a query.
   *
   * @param margin 0 or more
   * @param isKnown whether its product is in the gallery
   * @param isRight whether its best photo shows that
   */
  void add(float score, float margin, boolean isKnown, boolean isRight) {
    int kind = !isKnown ? STRANGER : isRight ? RIGHT : WRONG;
    totals[kind]++;
    (isKnown ? known : strangers).add(score);
    int threshold = reached(thresholds, score);
    if (threshold >= 0) {
      counts[kind][threshold][reached(margins, margin)]++;
    }
  }

  /** Index of the last setting that the value is not below; -1 when it is below all. */
  private static int reached(float[] settings, float value) {
    int low = 0;
    int high = settings.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (value < settings[middle]) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low - 1;
  }

  /** Number of queries of known products, and of strangers. */
  int known() {
    return known.size;
  }

  int strangers() {
    return strangers.size;
  }

  /** What becomes of the queries at every pair of settings; later queries do not change it. */
  Table table() {
    int[][][] sums = new int[counts.length][thresholds.length][margins.length];
    for (int kind = 0; kind < sums.length; kind++) {
      for (int t = thresholds.length - 1; t >= 0; t--) {
        int row = 0;
        for (int m = margins.length - 1; m >= 0; m--) {
          row += counts[kind][t][m];
          sums[kind][t][m] = row + (t + 1 < thresholds.length ? sums[kind][t + 1][m] : 0);
        }
      }
    }
    return new Table(sums);
  }

  /** Counts of everything that reaches at least a pair of settings, for all of them. */
  final class Table {
    private final int[][][] sums;

    private Table(int[][][] sums) {
      this.sums = sums;
    }

    /** At these settings; at the nearest smaller ones where they are none of {@link Decisions}. */
    Outcome at(float threshold, float margin) {
      return at(Math.max(0, reached(thresholds, threshold)), reached(margins, margin));
    }

    private Outcome at(int t, int m) {
      return new Outcome(
          thresholds[t],
          margins[m],
          sums[RIGHT][t][m],
          sums[WRONG][t][m],
          totals[RIGHT] + totals[WRONG] - sums[RIGHT][t][0] - sums[WRONG][t][0],
          totals[RIGHT] + totals[WRONG],
          sums[STRANGER][t][m],
          totals[STRANGER] - sums[STRANGER][t][0],
          totals[STRANGER]);
    }

    /** At every threshold, the lowest first, with one margin. */
    List<Outcome> atEveryThreshold(float margin) {
      int m = reached(margins, margin);
      List<Outcome> outcomes = new ArrayList<>(thresholds.length);
      for (int t = 0; t < thresholds.length; t++) {
        outcomes.add(at(t, m));
      }
      return outcomes;
    }

    /**
     * The settings that name most known queries rightly, of those with enough precision; of several
     * the lowest margin, then the highest threshold. Null when no settings have it.
     *
     * @param precision wanted, 0 to 1
     * @param largestMargin 0 to look for a threshold alone
     */
    @Nullable Outcome best(double precision, float largestMargin) {
      int bestT = -1;
      int bestM = -1;
      int bestRight = 0;
      for (int m = 0; m < margins.length && margins[m] <= largestMargin; m++) {
        for (int t = thresholds.length - 1; t >= 0; t--) {
          int right = sums[RIGHT][t][m];
          int named = right + sums[WRONG][t][m] + sums[STRANGER][t][m];
          if (right > bestRight && right >= precision * named) {
            bestRight = right;
            bestT = t;
            bestM = m;
          }
        }
      }
      return bestT < 0 ? null : at(bestT, bestM);
    }

    /** The settings with the highest precision; of several those that name most. */
    @Nullable Outcome mostPrecise() {
      Outcome best = null;
      for (int m = 0; m < margins.length; m++) {
        for (int t = thresholds.length - 1; t >= 0; t--) {
          Outcome one = at(t, m);
          if (one.knownRight() > 0 && (best == null || isBetter(one, best))) {
            best = one;
          }
        }
      }
      return best;
    }

    private boolean isBetter(Outcome one, Outcome best) {
      // Compared as products: equal shares stay equal.
      long mine = (long) one.knownRight() * best.named();
      long other = (long) best.knownRight() * one.named();
      return mine > other || (mine == other && one.knownRight() > best.knownRight());
    }
  }

  /**
   * Area under the curve of known queries that score above a threshold against strangers that do:
   * the probability that a known one scores higher than a stranger, equal scores counting half; 0
   * to 1, NaN when there are none of one kind.
   */
  double areaUnderCurve() {
    float[] below = strangers.sorted();
    float[] above = known.sorted();
    double sum = 0;
    int less = 0;
    int notMore = 0;
    for (float score : above) {
      while (less < below.length && below[less] < score) {
        less++;
      }
      while (notMore < below.length && below[notMore] <= score) {
        notMore++;
      }
      sum += less + notMore;
    }
    return sum / (2.0 * above.length * below.length);
  }
}
