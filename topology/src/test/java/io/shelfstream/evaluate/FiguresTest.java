package io.shelfstream.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class FiguresTest {
  private static final List<Integer> KS = List.of(1, 5);
  private static final Ranking FIRST = new Ranking(1, 1, 1, 1);
  private static final Ranking THIRD = new Ranking(2, 3, 8, 0.25);

  @Test
  void countsQueriesWithARelevantPhotoOnly() {
    Figures figures = Figures.of(Arrays.asList(FIRST, null, THIRD), KS);

    assertThat(figures.queries()).isEqualTo(2);
    assertThat(figures.recallAt(1)).isEqualTo(0.5);
    assertThat(figures.recallAt(5)).isEqualTo(1);
    assertThat(figures.meanAveragePrecision()).isEqualTo(0.625);
    assertThat(figures.meanInverseNegativePenalty()).isEqualTo(0.625);
  }

  @Test
  void ofNothingIsNotANumber() {
    Figures figures = Figures.of(Collections.nCopies(3, null), KS);

    assertThat(figures.queries()).isZero();
    assertThat(figures.recallAt(1)).isNaN();
    assertThat(figures.meanAveragePrecision()).isNaN();
  }

  /**
   * 64 queries, 32 of them strangers and 32 right, then 16 wrong ones: PaddleClas's mean of the
   * blocks is 64/80 × 1 + 16/80 × 0, that of the queries 32/48.
   */
  @Test
  void paddleClasWeighsBlocksByAllTheirQueries() {
    List<@Nullable Ranking> rankings = new ArrayList<>();
    rankings.addAll(Collections.nCopies(32, FIRST));
    rankings.addAll(Collections.nCopies(32, null));
    rankings.addAll(Collections.nCopies(16, THIRD));

    assertThat(Figures.of(rankings, KS).recallAt(1)).isCloseTo(32 / 48.0, within(1e-15));
    assertThat(Figures.asPaddleClas(rankings, KS).recallAt(1)).isCloseTo(0.8, within(1e-15));
    assertThat(Figures.asPaddleClas(rankings, KS).meanAveragePrecision())
        .isCloseTo(0.8 + 0.2 * 0.25, within(1e-15));
  }

  @Test
  void paddleClasLosesItsFiguresToABlockOfStrangers() {
    List<@Nullable Ranking> rankings = new ArrayList<>();
    rankings.addAll(Collections.nCopies(64, FIRST));
    rankings.addAll(Collections.nCopies(3, null));

    assertThat(Figures.asPaddleClas(rankings, KS).recallAt(1)).isNaN();
    assertThat(Figures.of(rankings, KS).recallAt(1)).isEqualTo(1);
  }

  /** Its last rank is counted from 0: 2 relevant ones, the last at rank 8, are 2/7 there. */
  @Test
  void paddleClasCountsTheLastRankFromZero() {
    assertThat(Figures.asPaddleClas(List.of(THIRD), KS).meanInverseNegativePenalty())
        .isCloseTo(2 / 7.0, within(1e-15));
    assertThat(Figures.asPaddleClas(List.of(FIRST, THIRD), KS).meanInverseNegativePenalty())
        .isInfinite();
  }
}
