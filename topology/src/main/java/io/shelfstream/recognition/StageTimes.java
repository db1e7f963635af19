package io.shelfstream.recognition;

import java.util.EnumMap;
import java.util.Map;

/**
 * Milliseconds spent in each stage of one image, without the waits between stages. Used by the
 * thread that works on the image.
 */
public final class StageTimes {
  private final Map<Stage, Float> millis = new EnumMap<>(Stage.class);
  private long lap = System.nanoTime();

  /** Adds the time since the last call, or since the start, to a stage. */
  void lap(Stage stage) {
    long now = System.nanoTime();
    millis.merge(stage, (now - lap) / 1e6f, Float::sum);
    lap = now;
  }

  /** Does not count the time since the last call: the image waited. */
  void skip() {
    lap = System.nanoTime();
  }

  /** The stage in progress: the first one without a time; the last one when all have a time. */
  Stage underWay() {
    Stage[] stages = Stage.values();
    return stages[Math.min(millis.size(), stages.length - 1)];
  }

  /** Milliseconds spent in a stage; 0 when it was not reached. */
  public float of(Stage stage) {
    return millis.getOrDefault(stage, 0f);
  }

  /** Milliseconds in all stages together. */
  public float total() {
    return (float) millis.values().stream().mapToDouble(Float::doubleValue).sum();
  }
}
