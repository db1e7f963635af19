package io.shelfstream.topology;

/**
 * Whether frames are worked on one after the other, with all threads, or side by side with one
 * thread each. For PP-ShiTuV2's architecture a frame takes 211 ms with two threads and 330 ms with
 * one, but two side by side take no more: the first is soonest done, the second gets the most done.
 * So frames go one after the other until they queue, and side by side until the queue is gone.
 * Going over at the second frame already would stay there at loads that one after the other can
 * bear, as whatever comes during the longer time finds another again. Safe for several threads.
 */
final class Lanes {
  private final int alone;
  private final boolean takeTurns;
  private int ready;
  private int running;
  private boolean crowded;

  /**
   * @param alone frames at a time while they do not queue, 1 or more; each then has all threads
   * @param takeTurns whether others wait for these
   */
  Lanes(int alone, boolean takeTurns) {
    this.alone = alone;
    this.takeTurns = takeTurns;
  }

  /**
   * For a thread budget: where there are many threads a few frames count as alone, too, or most
   * would be idle. Where there are more workers than threads, frames share runs, and need each
   * other for that.
   */
  static Lanes of(Limits limits) {
    return new Lanes(Math.max(1, limits.threads() / 4), limits.workers() <= limits.threads());
  }

  /** A frame is there to be worked on. */
  synchronized void arrived() {
    ready++;
    changed();
  }

  /** It is done with, worked on or not. */
  synchronized void gone() {
    ready--;
    changed();
  }

  private void changed() {
    crowded = ready > alone + 1 || (crowded && ready > alone);
    if (crowded) {
      notifyAll();
    }
  }

  /** Waits for its turn. */
  synchronized void enter() throws InterruptedException {
    while (takeTurns && !crowded && running >= alone) {
      wait();
    }
    running++;
  }

  synchronized void leave() {
    running--;
    notifyAll();
  }

  /** Whether the next run of a model is to keep to its thread: another frame is beside it. */
  synchronized boolean areSideBySide() {
    return crowded || running > alone;
  }
}
