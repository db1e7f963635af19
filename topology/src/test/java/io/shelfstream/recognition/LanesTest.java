package io.shelfstream.recognition;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class LanesTest {
  private final Lanes lanes = new Lanes(1);

  private void arrived(int frames) {
    for (int i = 0; i < frames; i++) {
      lanes.arrived();
    }
  }

  @Test
  void aLoneFrameHasAllThreads() {
    arrived(1);

    assertThat(lanes.areCrowded()).isFalse();
  }

  @Test
  void framesSideBySideKeepToOneThreadEachUntilNoneIsLeft() {
    arrived(2);
    assertThat(lanes.areCrowded()).isTrue();

    lanes.gone();
    assertThat(lanes.areCrowded()).as("the next one comes just now").isTrue();

    lanes.gone();
    lanes.arrived();
    assertThat(lanes.areCrowded()).as("alone again").isFalse();
  }

  @Test
  void manyThreadsAreForMoreFrames() {
    Lanes wide = Lanes.of(new RecognizerLimits(16, 16, 8, 1, 1, Duration.ZERO, 0.5));
    for (int i = 0; i < 4; i++) {
      wide.arrived();
    }
    assertThat(wide.areCrowded()).isFalse();

    wide.arrived();
    assertThat(wide.areCrowded()).isTrue();
  }
}
