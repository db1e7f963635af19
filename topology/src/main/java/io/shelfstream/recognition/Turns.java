package io.shelfstream.recognition;

import java.util.EnumMap;
import java.util.Map;

/**
 * Whose image is looked at next when both the stream and callers wait: each gets its share of the
 * workers, and what one leaves is the other's. Start-time fair queueing: an image begins at the
 * virtual time when its predecessor of the same kind ends, and the earliest begins first. Safe for
 * several threads.
 */
final class Turns {
  /** Where an image comes from. */
  enum Origin {
    STREAM,
    CALLER
  }

  private final Map<Origin, Double> cost = new EnumMap<>(Origin.class);
  private final Map<Origin, Double> end = new EnumMap<>(Origin.class);
  private double now;

  /**
   * @param callersShare of the images, between 0 and 1, when both wait
   */
  Turns(double callersShare) {
    cost.put(Origin.CALLER, 1 / callersShare);
    cost.put(Origin.STREAM, 1 / (1 - callersShare));
  }

  /** When an image that arrives now may begin, in virtual time. */
  synchronized double next(Origin origin) {
    double start = Math.max(now, end.getOrDefault(origin, 0.0));
    end.put(origin, start + cost.getOrDefault(origin, 1.0));
    return start;
  }

  /** An image with this time begins. */
  synchronized void begins(double at) {
    now = Math.max(now, at);
  }
}
