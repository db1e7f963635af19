package io.shelfstream.streams;

import java.time.Duration;

/**
 * Recognition finishes no frames any more. Fails the task, which then starts again with its pending
 * frames; an exception handler that continues would drop a frame.
 */
public final class StalledException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public StalledException(String topic, int partition, long offset, Duration waited) {
    super(
        ("Recognition stands still: the frame at %s-%d@%d was not answered within %d s;"
                + " its task begins again with all frames in hand (delivery.stall.limit)")
            .formatted(topic, partition, offset, waited.toSeconds()));
  }
}
