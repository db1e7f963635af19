package io.shelfstream.streams;

import java.time.Duration;

/**
 * Decides what is committed before the commit interval ends: readers of committed records see an
 * answer only when its transaction has ended. There is a minimum time between early commits, so
 * that most of the time is left for the work itself. Safe for several threads.
 */
public final class EarlyCommits {
  /**
   * A record that took longer than this had to wait: from a publisher to an idle stream thread it
   * takes some milliseconds.
   */
  private static final long WAITED = Duration.ofMillis(50).toMillis();

  private static final long APART = Duration.ofMillis(20).toMillis();

  private long last = Long.MIN_VALUE / 2;

  /**
   * Whether to commit now; if true, the caller must commit.
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
   * The same for a record that was just handled. A record that had to wait has others behind it,
   * and all of them share the next transaction, because one transaction for each would only make
   * the queue longer.
   *
   * @param published timestamp of the record, epoch milliseconds of its publisher
   * @param taken when its handling began, epoch milliseconds
   * @param now when it was handled, epoch milliseconds
   */
  public boolean isDue(long published, long taken, long now) {
    return taken - published <= WAITED && isDue(now);
  }
}
