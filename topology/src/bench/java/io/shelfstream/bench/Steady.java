package io.shelfstream.bench;

import java.util.List;

/**
 * Throughput while all workers are busy: between the first answers, of frames that began together
 * while others had not come yet, and the last ones, beside which workers have nothing to do. In a
 * run of some seconds these ends alone would be several percent.
 */
final class Steady {
  private Steady() {}

  /** Frames that a run needs for {@code counted} of them to count. */
  static int frames(int counted, int workers) {
    return counted + 2 * workers;
  }

  /**
   * Frames a second.
   *
   * @param answered when each frame was answered, ms since any moment, in any order
   */
  static double perSecond(List<Double> answered, int workers) {
    List<Double> sorted = answered.stream().sorted().toList();
    int counted = sorted.size() - 2 * workers;
    return 1000 * counted / (sorted.get(workers + counted - 1) - sorted.get(workers - 1));
  }
}
