package io.shelfstream.topology;

/**
 * Whether the model runs of a frame have all threads or keep to one. Two threads get one frame done
 * soonest, but two frames with one thread each get the most done: a run does not divide evenly. So
 * runs have all threads until frames queue, and keep to one until the queue is gone.
 *
 * <p>No frame waits for another that is beside it, and neither is then bound to one thread: what
 * the first leaves of the processors, in decoding, between two runs or where a run does not divide,
 * the second takes. Taking turns instead would lose just that, which is a fifth or more of them,
 * and a load that is borne side by side would pile up. Binding the second to one thread would keep
 * it there long after the first is gone, and let the next frame find it. Safe for several threads.
 */
final class Lanes {
  private final int few;
  private int ready;
  private boolean crowded;

  /**
   * @param few frames whose runs all have all threads, with one more beside them; 1 or more
   */
  Lanes(int few) {
    this.few = few;
  }

  /** For a thread budget: where there are many threads, a few frames would leave most idle. */
  static Lanes of(Limits limits) {
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
    crowded = ready > few + 1 || (crowded && ready > few);
  }

  /** Whether the next run of a model is to keep to its thread: frames queue. */
  synchronized boolean areCrowded() {
    return crowded;
  }
}
