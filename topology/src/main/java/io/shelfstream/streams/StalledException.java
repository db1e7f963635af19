package io.shelfstream.streams;

import java.time.Duration;

/**
 * Recognition came to a halt. Fails the task, which takes its pending frames up again: the frame in
 * hand must not be dropped, as log-and-continue would.
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
