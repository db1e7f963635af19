package io.shelfstream.topology;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class LanesTest {
  private final Lanes lanes = new Lanes(1, true);

  private CompletableFuture<Void> entering() {
    return CompletableFuture.runAsync(
        () -> {
          try {
            lanes.enter();
          } catch (InterruptedException e) {
            throw new CompletionException(e);
          }
        });
  }

  private void done() {
    lanes.leave();
    lanes.gone();
  }

  @Test
  void theSecondOfTwoWaitsForTheFirst() throws Exception {
    lanes.arrived();
    lanes.enter();
    lanes.arrived();
    CompletableFuture<Void> second = entering();

    TimeUnit.MILLISECONDS.sleep(50);
    assertThat(second).isNotDone();
    assertThat(lanes.areSideBySide()).isFalse();

    done();
    second.get();
    assertThat(lanes.areSideBySide()).isFalse();
  }

  @Test
  void aQueueGoesSideBySideUntilOneIsLeft() throws Exception {
    lanes.arrived();
    lanes.enter();
    lanes.arrived();
    CompletableFuture<Void> second = entering();
    lanes.arrived(); // the third
    second.get();
    assertThat(lanes.areSideBySide()).isTrue();

    done();
    lanes.enter();
    assertThat(lanes.areSideBySide()).as("two are left").isTrue();

    done();
    assertThat(lanes.areSideBySide()).as("one is left").isFalse();
  }

  @Test
  void thoseWhoShareRunsDoNotWait() throws Exception {
    Lanes sharing = Lanes.of(new Limits(2, 34, 8, 1, 1, Duration.ZERO));
    for (int i = 0; i < 34; i++) {
      sharing.arrived();
      sharing.enter();
    }

    assertThat(sharing.areSideBySide()).isTrue();
  }
}
