package io.shelfstream.streams;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;

/** Limits how often something is restarted after failures: it must not restart for ever. */
public final class Restarts {
  private final int most;
  private final long within;
  private final Deque<Long> times = new ArrayDeque<>();

  public Restarts(int most, Duration within) {
    this.most = most;
    this.within = within.toNanos();
  }

  /** Counts a failure, and says whether there were few enough recently to restart. */
  public synchronized boolean mayRestart() {
    long now = System.nanoTime();
    while (!times.isEmpty() && now - times.getFirst() > within) {
      times.removeFirst();
    }
    times.addLast(now);
    return times.size() <= most;
  }
}
