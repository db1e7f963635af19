package io.shelfstream.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.shelfstream.evaluate.Decisions.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DecisionsTest {
  private record Query(float score, float margin, boolean known, boolean right) {}

  private static List<Query> random(long seed, int count) {
    Random random = new Random(seed);
    List<Query> queries = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      boolean known = random.nextInt(4) > 0;
      float score = random.nextInt(8) == 0 ? 0.5f : (float) (random.nextGaussian() * 0.2 + 0.5);
      float margin = random.nextInt(20) == 0 ? Float.POSITIVE_INFINITY : random.nextFloat() / 2;
      boolean right = known && random.nextFloat() < 0.3 + 0.7 * score + margin;
      queries.add(new Query(Math.min(1, score), margin, known, right));
    }
    return queries;
  }

  private static Decisions counted(List<Query> queries, float threshold, float margin) {
    Decisions decisions = new Decisions(threshold, margin);
    queries.forEach(q -> decisions.add(q.score(), q.margin(), q.known(), q.right()));
    return decisions;
  }

  private static Outcome naive(List<Query> queries, float threshold, float margin) {
    int[] counts = new int[7];
    for (Query q : queries) {
      boolean below = q.score() < threshold;
      boolean named = !below && !(q.margin() < margin);
      if (q.known()) {
        counts[0] += named && q.right() ? 1 : 0;
        counts[1] += named && !q.right() ? 1 : 0;
        counts[2] += below ? 1 : 0;
        counts[3]++;
      } else {
        counts[4] += named ? 1 : 0;
        counts[5] += below ? 1 : 0;
        counts[6]++;
      }
    }
    return new Outcome(
        threshold, margin, counts[0], counts[1], counts[2], counts[3], counts[4], counts[5],
        counts[6]);
  }

  @Test
  void countsAsRecognitionDecidesAtAnySettings() {
    List<Query> queries = random(1, 2000);
    Decisions.Table table = counted(queries, 0.57512f, 0.0333f).table();

    for (float threshold : new float[] {-1, 0, 0.25f, 0.5f, 0.57512f, 0.75f, 1}) {
      for (float margin : new float[] {0, 0.0333f, 0.1f, 0.5f}) {
        assertThat(table.at(threshold, margin)).isEqualTo(naive(queries, threshold, margin));
      }
    }
  }

  @Test
  void aScoreThatEqualsTheThresholdIsNamed() {
    Decisions decisions = new Decisions(0.575f, 0.05f);
    decisions.add(0.575f, 0.05f, true, true);

    assertThat(decisions.table().at(0.575f, 0.05f).knownRight()).isEqualTo(1);
    assertThat(decisions.table().at(0.576f, 0).knownBelow()).isEqualTo(1);
    assertThat(decisions.table().at(0.575f, 0.055f).named()).isZero();
  }

  @Test
  void choosesTheSettingsThatNameMost() {
    List<Query> queries = random(2, 600);
    double wanted = 0.9;
    int most = 0;
    for (int t = -1000; t <= 1000; t++) {
      for (int m = 0; m <= 100; m++) {
        Outcome outcome = naive(queries, t / 1000f, m / 200f);
        if (outcome.named() > 0 && outcome.precision() >= wanted) {
          most = Math.max(most, outcome.knownRight());
        }
      }
    }

    Outcome best = counted(queries, 0.5f, 0).table().best(wanted, Float.MAX_VALUE);

    assertThat(best.knownRight()).isEqualTo(most).isPositive();
    assertThat(best.precision()).isGreaterThanOrEqualTo(wanted);
    assertThat(best).isEqualTo(naive(queries, best.threshold(), best.margin()));
  }

  @Test
  void aThresholdAloneHasNoMargin() {
    Outcome alone = counted(random(2, 600), 0.5f, 0.1f).table().best(0.8, 0);

    assertThat(alone.margin()).isZero();
    assertThat(alone.precision()).isGreaterThanOrEqualTo(0.8);
  }

  @Test
  void saysWhenAPrecisionCannotBeReached() {
    Decisions decisions = new Decisions(0.5f, 0);
    decisions.add(0.9f, 0.2f, true, false);
    decisions.add(0.9f, 0.2f, true, true);
    decisions.add(0.8f, 0.1f, true, false);

    assertThat(decisions.table().best(0.6, Float.MAX_VALUE)).isNull();
    assertThat(decisions.table().mostPrecise().precision()).isEqualTo(0.5);
    assertThat(decisions.table().best(0.5, Float.MAX_VALUE).knownRight()).isEqualTo(1);
  }

  @Test
  void areaUnderTheCurveIsTheShareOfPairsInOrder() {
    List<Query> queries = random(3, 400);
    double pairs = 0;
    int all = 0;
    for (Query known : queries) {
      for (Query stranger : queries) {
        if (known.known() && !stranger.known()) {
          all++;
          pairs +=
              known.score() > stranger.score() ? 1 : known.score() == stranger.score() ? 0.5 : 0;
        }
      }
    }

    assertThat(counted(queries, 0.5f, 0).areaUnderCurve()).isCloseTo(pairs / all, within(1e-12));
    assertThat(new Decisions(0.5f, 0).areaUnderCurve()).isNaN();
  }

  @Test
  void settingsOfOneHalfAreCountedOnTheOther() {
    Calibration.Counts counts = new Calibration.Counts(0.5f, 0);
    // The even ones would take any score, of the odd ones low scores are wrong.
    for (int i = 0; i < 100; i++) {
      counts.add(i, i % 4 < 2 ? 0.9f : 0.3f, 0.2f, true, i % 2 == 0 || i % 4 < 2);
    }

    Calibration calibration = Calibration.of(List.of(0.99), counts).get(0);

    assertThat(calibration.best().knownRight()).isEqualTo(50);
    assertThat(calibration.best().precision()).isEqualTo(1);
    // Even chooses all: 25 right and 25 wrong of odd. Odd chooses high ones: 25 right of even.
    assertThat(calibration.unseen().knownRight()).isEqualTo(50);
    assertThat(calibration.unseen().knownWrong()).isEqualTo(25);
  }

  @Test
  void boundsWhatAFewLabelsCanShow() {
    // Wilson, one-sided 95 %, by hand: n / (n + z²) when all are right.
    double z2 = 1.6448536269514722 * 1.6448536269514722;
    assertThat(Calibration.atLeast(50, 50)).isCloseTo(50 / (50 + z2), within(1e-12));
    assertThat(Calibration.atLeast(268, 268)).isGreaterThan(0.99);
    assertThat(Calibration.enough(0.99)).isEqualTo(268);
    assertThat(Calibration.atLeast(267, 267)).isLessThan(0.99);
  }
}
