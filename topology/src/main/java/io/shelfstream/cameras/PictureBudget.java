package io.shelfstream.cameras;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.concurrent.TimeUnit;

/**
 * Processor time that pictures for people may take: a share of all processors, and what was not
 * used for some seconds, so that a person who opens a page now and then does not wait. Time is that
 * of the thread, not of the clock: a busy machine does not use the budget up. Safe for several
 * threads.
 */
public final class PictureBudget {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final double share;
  private final long most;
  private double left;
  private long filledAt = System.nanoTime();

  /**
   * @param share of one processor, above 0
   * @param mostSaved nanoseconds that are saved at most
   */
  public PictureBudget(double share, long mostSaved) {
    this.share = share;
    this.most = mostSaved;
    this.left = mostSaved;
  }

  /**
   * A share of all processors of this machine.
   *
   * @param share 0 to 1
   */
  static PictureBudget ofThisMachine(double share, long mostSaved) {
    return new PictureBudget(Runtime.getRuntime().availableProcessors() * share, mostSaved);
  }

  /** Measures the time of this thread until it is closed. */
  final class Spending implements AutoCloseable {
    private final long begin = cpuTime();

    @Override
    public void close() {
      long spent = cpuTime() - begin;
      synchronized (PictureBudget.this) {
        fill();
        left -= spent;
      }
    }
  }

  Spending spend() {
    return new Spending();
  }

  synchronized boolean isLeft() {
    fill();
    return left > 0;
  }

  /** Waits until something is left. */
  void await() throws InterruptedException {
    while (true) {
      long wait;
      synchronized (this) {
        fill();
        if (left > 0) {
          return;
        }
        wait = (long) (-left / share) + 1_000_000;
      }
      TimeUnit.NANOSECONDS.sleep(wait);
    }
  }

  private void fill() {
    long now = System.nanoTime();
    left = Math.min(most, left + (now - filledAt) * share);
    filledAt = now;
  }

  private static long cpuTime() {
    return THREADS.isCurrentThreadCpuTimeSupported()
        ? THREADS.getCurrentThreadCpuTime()
        : System.nanoTime();
  }
}
