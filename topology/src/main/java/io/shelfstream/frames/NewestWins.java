package io.shelfstream.frames;

import io.shelfstream.config.OverloadSettings;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The overload policy {@code newest-wins}: which frames of such a camera may begin, and which are
 * skipped because newer ones wait. Used only by the stream thread.
 */
final class NewestWins {
  /** Frames of a camera that are worked on at a time: one is recognised, one is fetched ahead. */
  private static final int AT_WORK = 2;

  private final OverloadSettings settings;
  private int held;

  NewestWins(OverloadSettings settings) {
    this.settings = settings;
  }

  /** Counts a frame that {@link #manage} will begin or skip. */
  void hold() {
    held++;
  }

  /**
   * Begins what may begin, then skips what is too old.
   *
   * @param frames of all cameras, oldest first
   * @param begin may leave a frame as it is, when the service stops
   */
  void manage(Deque<TakenFrame> frames, Consumer<TakenFrame> begin, Consumer<TakenFrame> skip) {
    if (held == 0) {
      return;
    }
    Map<String, Integer> atWork = atWork(frames);
    for (TakenFrame frame : frames) {
      if (frame.isHeld() && atWork.getOrDefault(frame.camera, 0) < AT_WORK) {
        begin.accept(frame);
        if (!frame.isHeld()) {
          held--;
          atWork.merge(frame.camera, 1, Integer::sum);
        }
      }
    }
    Map<String, Integer> newer = new HashMap<>();
    for (Iterator<TakenFrame> all = frames.descendingIterator(); all.hasNext(); ) {
      TakenFrame frame = all.next();
      if (frame.isHeld() && newer.merge(frame.camera, 1, Integer::sum) > settings.waiting()) {
        held--;
        skip.accept(frame);
      }
    }
  }

  private static Map<String, Integer> atWork(Collection<TakenFrame> frames) {
    Map<String, Integer> atWork = new HashMap<>();
    for (TakenFrame frame : frames) {
      if (frame.newestWins && frame.isWorkedOn()) {
        atWork.merge(frame.camera, 1, Integer::sum);
      }
    }
    return atWork;
  }

  /** Forgets what was held. */
  void clear() {
    held = 0;
  }
}
