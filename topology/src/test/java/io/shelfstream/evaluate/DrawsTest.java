package io.shelfstream.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class DrawsTest {
  private static int count(boolean[] stays) {
    int count = 0;
    for (boolean one : stays) {
      count += one ? 1 : 0;
    }
    return count;
  }

  @Test
  void leaveOutTheWantedShareTheSameForTheSameSeed() {
    assertThat(count(Draws.products(81, 0.5, 3))).isEqualTo(40);
    assertThat(count(Draws.products(10, 0.2, 3))).isEqualTo(8);
    assertThat(Draws.products(81, 0.5, 3)).isEqualTo(Draws.products(81, 0.5, 3));
    assertThat(Draws.products(81, 0.5, 3)).isNotEqualTo(Draws.products(81, 0.5, 4));
  }

  @Test
  void takeFewPhotosOfEachProductAndAllOfASmallOne() {
    int[][] photosOf = {{0, 2, 4, 6}, {1}, {3, 5}};

    int[] drawn = Draws.photos(photosOf, 2, 1);

    assertThat(drawn).hasSize(5).isSorted().contains(1, 3, 5).doesNotHaveDuplicates();
  }
}
