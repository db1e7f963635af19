package io.shelfstream.frames;

import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.recognition.StageTimes;
import io.shelfstream.tracing.WorkSpan;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A frame in hand, and its slot. Used only by the stream thread. */
final class TakenFrame {
  /** Number of its slot in {@link PendingSlots}. */
  final int slot;

  /** Its bytes in the store. */
  final int bytes;

  final String camera;

  /** Whether newer frames of its camera may replace it while it waits. */
  final boolean newestWins;

  final WorkSpan span;

  /** Filled in by the threads that work on it; complete when it is answered. */
  final StageTimes times = new StageTimes();

  PendingFrame frame;

  /** Null until the work on it has begun. */
  @Nullable CompletableFuture<Optional<RecognitionEvent>> answer;

  FramesInHand.@Nullable Hold hold;

  TakenFrame(int slot, int bytes, PendingFrame frame, boolean newestWins, WorkSpan span) {
    this.slot = slot;
    this.bytes = bytes;
    this.frame = frame;
    this.camera = frame.camera();
    this.newestWins = newestWins;
    this.span = span;
  }

  boolean isAnswered() {
    return answer != null && answer.isDone() && !answer.isCancelled();
  }

  /** Whether it waits because others of its camera are worked on. */
  boolean isHeld() {
    return newestWins && answer == null;
  }

  boolean isWorkedOn() {
    return answer != null && !answer.isDone();
  }
}
