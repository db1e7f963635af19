package io.shelfstream.streams;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class RestartsTest {
  @Test
  void allowsSoManyAndNoMore() {
    Restarts restarts = new Restarts(2, Duration.ofMinutes(10));

    assertThat(restarts.mayRestart()).isTrue();
    assertThat(restarts.mayRestart()).isTrue();
    assertThat(restarts.mayRestart()).isFalse();
  }

  @Test
  void forgetsFailuresThatAreLongPast() throws InterruptedException {
    Restarts restarts = new Restarts(1, Duration.ofMillis(20));

    assertThat(restarts.mayRestart()).isTrue();
    Thread.sleep(50);

    assertThat(restarts.mayRestart()).isTrue();
  }
}
