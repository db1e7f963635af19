package io.shelfstream.index;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * Vectors where native code can read them: the caller's own buffer when it is direct, writable and
 * in native byte order, else a copy in a buffer that goes back to a pool on close.
 */
final class DirectFloats implements AutoCloseable {

  /** As many as searches usually run side by side; more are allocated and dropped. */
  private static final BlockingQueue<ByteBuffer> POOL = new ArrayBlockingQueue<>(16);

  /** A batch of 1024 vectors of 512 values; larger ones are rare and not kept. */
  private static final int LARGEST_KEPT = 2 << 20;

  private static final int SMALLEST = 16 << 10;

  private final FloatBuffer floats;
  private @Nullable ByteBuffer borrowed;

  private DirectFloats(FloatBuffer floats, @Nullable ByteBuffer borrowed) {
    this.floats = floats;
    this.borrowed = borrowed;
  }

  static DirectFloats of(FloatBuffer vectors) {
    if (fits(vectors)) {
      return new DirectFloats(vectors.slice(), null);
    }
    long bytes = (long) vectors.remaining() * Float.BYTES;
    if (bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "vectors of " + bytes + " bytes refused: at most 2 GiB at once outside a direct buffer");
    }
    ByteBuffer buffer = borrow((int) bytes);
    FloatBuffer copy = buffer.asFloatBuffer();
    copy.put(vectors.duplicate()).flip();
    return new DirectFloats(copy, buffer);
  }

  static boolean fits(FloatBuffer vectors) {
    return vectors.isDirect()
        && !vectors.isReadOnly()
        && vectors.order() == ByteOrder.nativeOrder();
  }

  FloatBuffer floats() {
    return floats;
  }

  @Override
  public void close() {
    ByteBuffer buffer = borrowed;
    borrowed = null;
    if (buffer != null && buffer.capacity() <= LARGEST_KEPT) {
      // A full pool drops it: the collector frees it then.
      boolean unused = POOL.offer(buffer);
    }
  }

  private static ByteBuffer borrow(int bytes) {
    ByteBuffer pooled = bytes <= LARGEST_KEPT ? POOL.poll() : null;
    if (pooled != null && pooled.capacity() >= bytes) {
      return pooled;
    }
    int capacity =
        bytes > LARGEST_KEPT ? bytes : Math.max(SMALLEST, Integer.highestOneBit(bytes - 1) << 1);
    return ByteBuffer.allocateDirect(capacity).order(ByteOrder.nativeOrder());
  }
}
