package io.shelfstream.recognition;

/**
 * Whether the model runs of a frame have all threads or keep to one. All threads get a lone frame
 * done soonest, but two frames with one thread each get the most done: a run does not divide
 * evenly, and parts of two runs that wait for each other lose the time that neither uses. So runs
 * have all threads while few frames are there, keep to one as soon as there are more, and go on
 * like this until none of these is left: at a steady load the next frame comes just then.
 *
 * <p>No frame waits for another. Safe for several threads.
 */
final class Lanes {
  private final int few;
  private int ready;
  private boolean crowded;

  /**
   * @param few frames whose runs all have all threads; 1 or more
   */
  Lanes(int few) {
    this.few = few;
  }

  /** For a thread budget: where there are many threads, a few frames would leave most idle. */
  static Lanes of(RecognizerLimits limits) {
    return new Lanes(Math.max(1, limits.threads() / 4));
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
    crowded = ready > few || (crowded && ready == few);
  }

  /** Whether the next run of a model is to keep to its thread: frames are side by side. */
  synchronized boolean areCrowded() {
    return crowded;
  }
}
