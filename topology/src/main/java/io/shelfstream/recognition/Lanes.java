package io.shelfstream.recognition;

/**
 * Decides whether the model runs of a frame use all threads or one. A frame that is alone is
 * finished soonest with all threads. But throughput is highest when each frame uses one thread: a
 * run does not divide evenly between threads, and when parts of two runs wait for each other, time
 * is lost. So runs use all threads while few frames are there and one thread as soon as there are
 * more. They go back to all threads only when fewer than that are left: at a steady load the next
 * frame comes just then.
 *
 * <p>No frame waits for another. Safe for several threads.
 */
final class Lanes {
  private final int few;
  private int ready;
  private boolean crowded;

  /**
   * @param few number of frames up to which runs use all threads; 1 or more
   */
  Lanes(int few) {
    this.few = few;
  }

  /** For a thread budget: where there are many threads, a few frames would leave most idle. */
  static Lanes of(RecognizerLimits limits) {
    return new Lanes(Math.max(1, limits.threads() / 4));
  }

  /** A frame was fetched and is ready for a worker. */
  synchronized void arrived() {
    ready++;
    changed();
  }

  /** The frame is finished or was dropped. */
  synchronized void gone() {
    ready--;
    changed();
  }

  private void changed() {
    crowded = ready > few || (crowded && ready == few);
  }

  /** Whether the next model run must use only its own thread, because several frames are there. */
  synchronized boolean areCrowded() {
    return crowded;
  }
}
