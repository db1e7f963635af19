package io.shelfstream.frames;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** What all tasks of a process work on together. Safe for several threads. */
public final class FramesInHand {
  private final AtomicInteger count = new AtomicInteger();
  private volatile long lastProgress = System.nanoTime();
  private volatile boolean draining;

  /** One frame that is worked on, until it is answered or given up. */
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

  /** Any frame of the process was finished. */
  void progressed() {
    lastProgress = System.nanoTime();
  }

  /** As of {@link System#nanoTime}. */
  long lastProgress() {
    return lastProgress;
  }

  /** Whether no further frame is to be begun. */
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
