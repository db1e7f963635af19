package io.shelfstream.topology;

import java.time.Duration;

/**
 * Which gallery updates do not wait for the commit interval: readers of committed records see a
 * vector only once its transaction has ended. An update that had to wait for its turn has others
 * behind it, and all of them share the next transaction, as one for each would only make the queue
 * longer. Used by one stream thread.
 */
final class EarlyCommits {
  /** Longer than from a publisher to an idle stream thread, which is some milliseconds. */
  private static final long WAITED = Duration.ofMillis(50).toMillis();

  /** Most of the time is for embedding even when a publisher's clock is ahead. */
  private static final long APART = Duration.ofMillis(20).toMillis();

  private long last = Long.MIN_VALUE / 2;

  /**
   * Whether to commit an update at once.
   *
   * @param published timestamp of the update, epoch milliseconds of its publisher
   * @param taken when its turn came, epoch milliseconds
   * @param now when it was handled, epoch milliseconds
   */
  boolean isDue(long published, long taken, long now) {
    boolean due = taken - published <= WAITED && now - last >= APART;
    if (due) {
      last = now;
    }
    return due;
  }
}
