package io.shelfstream.evaluate;

import io.shelfstream.evaluate.Decisions.Outcome;
import io.shelfstream.evaluate.Decisions.Table;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which settings name products with a wanted precision.
 *
 * @param wanted precision, 0 to 1
 * @param best threshold and margin that name most known queries rightly; null when none has this
 *     precision
 * @param thresholdAlone the same without a margin
 * @param mostPrecise the settings with the highest precision there is; null when none names a
 *     product rightly
 * @param unseen what the settings that one half of the queries chose make of the other half, both
 *     ways added up: by the queries that chose them, settings look better than they are. Null when
 *     a half finds none
 */
public record Calibration(
    double wanted,
    @Nullable Outcome best,
    @Nullable Outcome thresholdAlone,
    @Nullable Outcome mostPrecise,
    @Nullable Outcome unseen) {

  /** One-sided, 95 %. */
  private static final double Z = 1.6448536269514722;

  /** The counts of all queries, and of every second one. */
  static final class Counts {
    final Decisions all;
    private final Decisions even;
    private final Decisions odd;

    Counts(float thresholdInUse, float marginInUse) {
      all = new Decisions(thresholdInUse, marginInUse);
      even = new Decisions(thresholdInUse, marginInUse);
      odd = new Decisions(thresholdInUse, marginInUse);
    }

    /** As {@link Decisions#add(float, float, boolean, boolean)}, for the query of an index. */
    void add(int query, float score, float margin, boolean known, boolean right) {
      all.add(score, margin, known, right);
      (query % 2 == 0 ? even : odd).add(score, margin, known, right);
    }
  }

  /** One for each precision. */
  static List<Calibration> of(List<Double> wanted, Counts counts) {
    Table all = counts.all.table();
    Table even = counts.even.table();
    Table odd = counts.odd.table();
    Outcome mostPrecise = all.mostPrecise();
    return wanted.stream()
        .map(
            precision ->
                new Calibration(
                    precision,
                    all.best(precision, Float.MAX_VALUE),
                    all.best(precision, 0),
                    mostPrecise,
                    sum(carriedOver(even, odd, precision), carriedOver(odd, even, precision))))
        .toList();
  }

  private static @Nullable Outcome carriedOver(Table chooses, Table counts, double wanted) {
    Outcome chosen = chooses.best(wanted, Float.MAX_VALUE);
    return chosen == null ? null : counts.at(chosen.threshold(), chosen.margin());
  }

  private static @Nullable Outcome sum(@Nullable Outcome a, @Nullable Outcome b) {
    return a == null || b == null ? null : a.plus(b);
  }

  /**
   * The precision that so many right ones of so many named ones show with a confidence of 95 %:
   * Wilson's lower bound. NaN when none is named.
   */
  public static double atLeast(int right, int named) {
    double share = (double) right / named;
    double centre = share + Z * Z / (2.0 * named);
    double spread = Z * Math.sqrt(share * (1 - share) / named + Z * Z / (4.0 * named * named));
    return (centre - spread) / (1 + Z * Z / named);
  }

  /** How many queries must be named, all of them rightly, to show a precision below 1. */
  public static int enough(double precision) {
    return (int) Math.ceil(Z * Z * precision / (1 - precision));
  }
}
