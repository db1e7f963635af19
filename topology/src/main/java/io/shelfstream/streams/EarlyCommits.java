package io.shelfstream.streams;

import java.time.Duration;

/**
 * What does not wait for the commit interval: readers of committed records see an answer only once
 * its transaction has ended. Commits that were asked for are kept apart, so that most of the time
 * is for the work itself. Safe for several threads.
 */
public final class EarlyCommits {
  /** Longer than from a publisher to an idle stream thread, which is some milliseconds. */
  private static final long WAITED = Duration.ofMillis(50).toMillis();

  private static final long APART = Duration.ofMillis(20).toMillis();

  private long last = Long.MIN_VALUE / 2;

  /**
   * Whether to commit at once; who is told so does.
   *
   * @param now epoch milliseconds
   */
  public synchronized boolean isDue(long now) {
    boolean due = Math.abs(now - last) >= APART; // a clock may be set back
    if (due) {
      last = now;
    }
    return due;
  }

  /**
   * The same for a record that was handled in its turn. One that had to wait for it has others
   * behind it, and all of them share the next transaction, as one for each would only make the
   * queue longer.
   *
   * @param published timestamp of the record, epoch milliseconds of its publisher
   * @param taken when its turn came, epoch milliseconds
   * @param now when it was handled, epoch milliseconds
   */
  public boolean isDue(long published, long taken, long now) {
    return taken - published <= WAITED && isDue(now);
  }
}
