package io.shelfstream.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class SteadyTest {
  /** Two workers, 100 ms a frame; the first frames came late, and the last one was large. */
  private static final List<Double> ANSWERED = List.of(500.0, 550.0, 600.0, 650.0, 700.0, 1700.0);

  @Test
  void theEndsOfARunDoNotCount() {
    assertThat(Steady.perSecond(ANSWERED, 2)).isEqualTo(20);
    assertThat(Steady.frames(2, 2)).isEqualTo(ANSWERED.size());
  }
}
