package io.shelfstream.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RankingTest {
  private static @Nullable Ranking of(float[] scores, Integer... relevant) {
    return Ranking.of(
        i -> scores[i], IntStream.range(0, scores.length).toArray(), Set.of(relevant)::contains);
  }

  /** By hand: relevant at ranks 2 and 4, so precision 1/2 there and 2/4 there. */
  @Test
  void findsTheRelevantPhotosAmongTheOthers() {
    assertThat(of(new float[] {0.9f, 0.8f, 0.7f, 0.6f, 0.5f}, 1, 3))
        .isEqualTo(new Ranking(2, 2, 4, 0.5));
  }

  @Test
  void ordersByScoreNotByPlaceInTheGallery() {
    Ranking ranking = of(new float[] {-0.5f, 0.1f, 0.9f, -0.1f}, 0, 2);

    assertThat(ranking).isEqualTo(new Ranking(2, 1, 4, (1 + 2 / 4.0) / 2));
    assertThat(ranking.inverseNegativePenalty()).isEqualTo(0.5);
  }

  @Test
  void ofEqualScoresTheEarlierPhotoComesFirst() {
    assertThat(of(new float[] {0.5f, 0.5f, 0.5f}, 2)).isEqualTo(new Ranking(1, 3, 3, 1 / 3.0));
    assertThat(of(new float[] {0.5f, 0.5f, 0.5f}, 0)).isEqualTo(new Ranking(1, 1, 1, 1));
    assertThat(of(new float[] {-0f, 0f}, 1)).isEqualTo(new Ranking(1, 2, 2, 0.5));
  }

  @Test
  void allRelevantIsPerfect() {
    Ranking ranking = of(new float[] {0.1f, 0.3f, 0.2f}, 0, 1, 2);

    assertThat(ranking.averagePrecision()).isCloseTo(1, within(1e-15));
    assertThat(ranking.inverseNegativePenalty()).isEqualTo(1);
  }

  @Test
  void withoutARelevantPhotoThereIsNone() {
    assertThat(of(new float[] {0.1f, 0.3f})).isNull();
  }
}
