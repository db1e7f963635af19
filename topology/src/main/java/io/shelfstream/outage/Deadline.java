package io.shelfstream.outage;

import java.time.Duration;
import java.util.Optional;

/** When waiting ends, if it does; begins to run when it is made. */
public final class Deadline {
  /** Never over. */
  public static final Deadline NONE = in(Optional.empty());

  private final Optional<Duration> after;
  private final long began = System.nanoTime();

  private Deadline(Optional<Duration> after) {
    this.after = after;
  }

  /**
   * @param after from now; empty: never
   */
  public static Deadline in(Optional<Duration> after) {
    return new Deadline(after);
  }

  /** How long it was at its start; empty: without end. */
  Optional<Duration> after() {
    return after;
  }

  boolean isOver() {
    return left(Duration.ofNanos(1)).isZero();
  }

  /** What is left, at most this long and never negative. */
  public Duration left(Duration most) {
    Duration left = after.map(a -> a.minusNanos(System.nanoTime() - began)).orElse(most);
    return left.isNegative() ? Duration.ZERO : left.compareTo(most) < 0 ? left : most;
  }
}
