package io.shelfstream.index;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Waits for what happens in the background, so long that only a fault makes a test fail. */
public final class Await {

  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private Await() {}

  /** Returns once it holds; an error after two minutes. */
  public static void until(BooleanSupplier holds) throws InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!holds.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("waited for " + PATIENCE);
      }
      Thread.sleep(2);
    }
  }

  /**
   * Returns once no native segment of this process is open. Galleries free theirs in the background
   * after they are closed, so a test that counts segments begins with this: a count taken while an
   * earlier test's segments are still being freed is never reached again.
   */
  public static void noOpenSegments() throws InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (Segment.open() != 0) {
      if (System.nanoTime() > end) {
        throw new AssertionError(
            Segment.open() + " native segments are still open after " + PATIENCE);
      }
      Thread.sleep(2);
    }
  }
}
