package io.shelfstream.evaluate;

import java.util.Arrays;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Where the photos of the right product stand among all photos that a query is compared with, the
 * best score first. Of equal scores the earlier photo of the gallery comes first.
 *
 * @param relevant photos of the right product, 1 or more; 0 where only the first place is known
 * @param first rank of the first of them, counted from 1; the largest int when there is none
 * @param last rank of the last of them
 * @param averagePrecision mean of the precision at the rank of each of them, 0 to 1; NaN where only
 *     the first place is known
 */
public record Ranking(int relevant, int first, int last, double averagePrecision) {

  /** Scores of photos by index. */
  interface Scores {
    float of(int photo);
  }

  /**
   * Ranks without sorting everything: only the relevant photos are sorted, of each other one it is
   * counted before which of them it stands.
   *
   * @param scores of the photo of an index
   * @param photos those that are compared, by index
   * @param isRelevant whether the photo of an index shows the right product
   * @return null when no photo is relevant
   */
  static @Nullable Ranking of(Scores scores, int[] photos, IntPredicate isRelevant) {
    long[] places =
        Arrays.stream(photos).filter(isRelevant).mapToLong(i -> place(scores.of(i), i)).toArray();
    if (places.length == 0) {
      return null;
    }
    Arrays.sort(places);
    int[] others =
        new int[places.length + 1]; // that stand right before the relevant one of an index
    for (int i : photos) {
      if (!isRelevant.test(i)) {
        others[-1 - Arrays.binarySearch(places, place(scores.of(i), i))]++;
      }
    }
    double precision = 0;
    int before = 0;
    int first = 0;
    int rank = 0;
    for (int i = 0; i < places.length; i++) {
      before += others[i];
      rank = before + i + 1;
      first = i == 0 ? rank : first;
      precision += (i + 1.0) / rank;
    }
    return new Ranking(places.length, first, rank, precision / places.length);
  }

  /**
   * The place of the right label in a list of labels.
   *
   * @param place counted from 1; 0 when it is not there
   */
  static Ranking ofPlace(int place) {
    return new Ranking(0, place == 0 ? Integer.MAX_VALUE : place, 0, Double.NaN);
  }

  /** A number that is smaller, the earlier the photo stands; no two photos have the same. */
  private static long place(float score, int index) {
    int bits = Float.floatToIntBits(score + 0f); // -0 becomes 0
    int rising = bits ^ ((bits >> 31) & Integer.MAX_VALUE);
    return ((long) ~rising << Integer.SIZE) | index;
  }

  /**
   * Inverse negative penalty: how few others stand before the last relevant photo, 0 to 1; 1 when
   * there are none. NaN where only the first place is known.
   */
  double inverseNegativePenalty() {
    return (double) relevant / last;
  }
}
