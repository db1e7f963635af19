package io.shelfstream.recognition;

import java.util.EnumMap;
import java.util.Map;

/**
 * Milliseconds spent in each stage of one image, without the waits between stages, and when each
 * began and ended. Used by the thread that works on the image; read by others when it is answered.
 */
public final class StageTimes {
  private final Map<Stage, Float> millis = new EnumMap<>(Stage.class);
  private final long[] begun = new long[Stage.values().length];
  private final long[] ended = new long[Stage.values().length];
  private long lap = System.nanoTime();

  /** Adds the time since the last call, or since the start, to a stage. */
  public void lap(Stage stage) {
    long now = System.nanoTime();
    if (!reached(stage)) {
      begun[stage.ordinal()] = lap;
    }
    millis.merge(stage, (now - lap) / 1e6f, Float::sum);
    ended[stage.ordinal()] = now;
    lap = now;
  }

  /** Does not count the time since the last call: the image waited. */
  public void skip() {
    lap = System.nanoTime();
  }

  /** The stage that failed ends. */
  public void fail(Throwable why) {
    lap(why instanceof RejectedException rejected ? rejected.stage() : underWay());
  }

  /** Whether any time was spent in a stage. */
  public boolean reached(Stage stage) {
    return millis.containsKey(stage);
  }

  /** When a stage that was reached began, as {@link System#nanoTime}. */
  public long begun(Stage stage) {
    return begun[stage.ordinal()];
  }

  /** When it ended. */
  public long ended(Stage stage) {
    return ended[stage.ordinal()];
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
