package io.shelfstream.streams;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class EarlyCommitsTest {
  private final EarlyCommits commits = new EarlyCommits();

  @Test
  void commitsAnUpdateWhoseTurnCameAtOnceHoweverLongItsEmbeddingTook() {
    assertThat(commits.isDue(1_000, 1_003, 2_500)).isTrue();
    assertThat(commits.isDue(2_600, 2_650, 2_651)).isTrue();
  }

  @Test
  void leavesAQueueToTheCommitInterval() {
    assertThat(commits.isDue(1_000, 1_051, 1_060)).isFalse();
    assertThat(commits.isDue(0, 1_000_000, 1_000_001)).isFalse();
  }

  @Test
  void leavesTimeToEmbedWhenAPublishersClockIsAhead() {
    long ahead = 3_600_000;
    int committed = 0;
    for (long now = 0; now < 1_000; now++) {
      committed += commits.isDue(now + ahead, now, now + 1) ? 1 : 0;
    }
    assertThat(committed).isEqualTo(50);
  }

  @Test
  void goesOnWhenTheClockIsSetBack() {
    assertThat(commits.isDue(3_600_000)).isTrue();
    assertThat(commits.isDue(1_000)).isTrue();
    assertThat(commits.isDue(1_019)).isFalse();
    assertThat(commits.isDue(1_020)).isTrue();
  }
}
