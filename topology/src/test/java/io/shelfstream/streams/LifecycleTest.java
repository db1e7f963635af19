package io.shelfstream.streams;

import static io.shelfstream.streams.Lifecycle.State.DRAINING;
import static io.shelfstream.streams.Lifecycle.State.FAILED;
import static io.shelfstream.streams.Lifecycle.State.READY;
import static io.shelfstream.streams.Lifecycle.State.REBUILDING;
import static io.shelfstream.streams.Lifecycle.State.STARTING;
import static io.shelfstream.streams.Lifecycle.State.STOPPED;
import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.streams.Lifecycle.State;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LifecycleTest {
  private final List<State> seen = new ArrayList<>();
  private final Lifecycle lifecycle = new Lifecycle("It", now -> seen.add(now.state()));

  @Test
  void startsWorksIsBuiltAnewAndStops() {
    assertThat(lifecycle.state()).isEqualTo(STARTING);
    for (State next : List.of(READY, REBUILDING, READY, DRAINING, STOPPED)) {
      assertThat(lifecycle.to(next, "the test says so")).isTrue();
    }
    assertThat(seen).containsExactly(READY, REBUILDING, READY, DRAINING, STOPPED);
  }

  @Test
  void aStateThatItHasIsNoChange() {
    assertThat(lifecycle.to(READY, "")).isTrue();
    assertThat(lifecycle.to(READY, "")).isFalse();
    assertThat(seen).containsExactly(READY);
  }

  @Test
  void whatWasToldToStopNeitherFailsNorBeginsAgain() {
    lifecycle.to(READY, "");
    lifecycle.to(DRAINING, "");
    for (State next : List.of(STARTING, READY, REBUILDING, FAILED, DRAINING)) {
      assertThat(lifecycle.to(next, "")).as(next.name()).isFalse();
    }
    assertThat(lifecycle.isStopping()).isTrue();
    assertThat(lifecycle.to(STOPPED, "")).isTrue();
    assertThat(lifecycle.isStopping()).isTrue();
    assertThat(lifecycle.failure()).isNull();
  }

  @Test
  void theFirstFailureStaysAndIsKeptAfterTheStop() {
    Exception first = new Exception("first");
    assertThat(lifecycle.to(FAILED, "", first)).isTrue();
    assertThat(lifecycle.to(FAILED, "", new Exception("second"))).isFalse();
    assertThat(lifecycle.to(READY, "")).isFalse();
    assertThat(lifecycle.to(STOPPED, "")).isTrue();
    assertThat(lifecycle.failure()).isSameAs(first);
  }
}
