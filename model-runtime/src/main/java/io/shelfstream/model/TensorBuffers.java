package io.shelfstream.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Direct buffers for inputs, used again and again: as many as runs that go side by side. Safe for
 * several threads.
 */
public final class TensorBuffers {
  private final ConcurrentLinkedQueue<FloatBuffer> free = new ConcurrentLinkedQueue<>();

  /** A buffer of exactly this many floats, with any content; give it back after the run. */
  public FloatBuffer take(int floats) {
    FloatBuffer buffer = free.poll();
    if (buffer == null || buffer.capacity() < floats) {
      // A smaller one is left to the collector: sizes soon settle at the largest batch.
      buffer =
          ByteBuffer.allocateDirect(Math.multiplyExact(floats, Float.BYTES))
              .order(ByteOrder.nativeOrder())
              .asFloatBuffer();
    }
    return buffer.clear().limit(floats);
  }

  public void give(FloatBuffer buffer) {
    free.add(buffer);
  }
}
