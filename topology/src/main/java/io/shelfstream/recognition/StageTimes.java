package io.shelfstream.recognition;

import java.util.EnumMap;
import java.util.Map;

/**
 * Milliseconds spent in each stage of one image, waits between stages left out. Owned by the thread
 * that works on the image.
 */
public final class StageTimes {
  private final Map<Stage, Float> millis = new EnumMap<>(Stage.class);
  private long lap = System.nanoTime();

  /** Books the time since the last call, or since the start, on a stage. */
  void lap(Stage stage) {
    long now = System.nanoTime();
    millis.merge(stage, (now - lap) / 1e6f, Float::sum);
    lap = now;
  }

  /** Leaves the time since the last call out: the image waited. */
  void skip() {
    lap = System.nanoTime();
  }

  /** The stage that was not booked yet; the last one when all are. */
  Stage underWay() {
    Stage[] stages = Stage.values();
    return stages[Math.min(millis.size(), stages.length - 1)];
  }

  /** Milliseconds booked on a stage; 0 when it was not reached. */
  public float of(Stage stage) {
    return millis.getOrDefault(stage, 0f);
  }

  /** Milliseconds in all stages together. */
  public float total() {
    return (float) millis.values().stream().mapToDouble(Float::doubleValue).sum();
  }
}
