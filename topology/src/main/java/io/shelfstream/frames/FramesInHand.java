package io.shelfstream.frames;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Counts the frames in hand of all tasks of the process, and stops new ones when the service stops.
 * Safe for several threads.
 */
public final class FramesInHand {
  private final AtomicInteger count = new AtomicInteger();
  private volatile long lastProgress = System.nanoTime();
  private volatile boolean draining;

  /** One counted frame, until it is answered or dropped. */
  final class Hold {
    private boolean held = true;

    private Hold() {
      count.incrementAndGet();
    }

    /** Idempotent. */
    synchronized void release() {
      if (held) {
        held = false;
        count.decrementAndGet();
      }
    }
  }

  Hold take() {
    return new Hold();
  }

  /** A frame of the process was finished. */
  void progressed() {
    lastProgress = System.nanoTime();
  }

  /** When a frame was last finished, as {@link System#nanoTime}. */
  long lastProgress() {
    return lastProgress;
  }

  /** Whether no further frame may be begun. */
  boolean isDraining() {
    return draining;
  }

  /**
   * Lets no further frame begin, and waits for those in hand.
   *
   * @return how many were left at the limit
   */
  public int drain(Duration limit) {
    draining = true;
    long end = System.nanoTime() + limit.toNanos();
    try {
      while (count.get() > 0 && System.nanoTime() < end) {
        TimeUnit.MILLISECONDS.sleep(5);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return count.get();
  }
}
