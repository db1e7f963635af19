package io.shelfstream.image;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The bits of a JPEG's entropy-coded data, up to the next marker. Beyond it there are zeros, and
 * {@link #isBeyond} is true once one of them was taken.
 */
final class JpegBits {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  /** A code and the value behind it take 16 bits each, at most. */
  private static final int ENOUGH = 32;

  private final byte[] bytes;
  private int position;
  private boolean atMarker;
  private long bits;

  /** Of {@code bits}, the lowest ones; the last {@code invented} of them are not in the file. */
  private int count;

  private int invented;

  JpegBits(byte[] bytes) {
    this.bytes = bytes;
  }

  /** Begins anew behind a marker. */
  void start(int at) {
    position = at;
    atMarker = false;
    count = 0;
    invented = 0;
  }

  /** Makes sure that a code and its value can be taken. */
  void need() {
    if (count < ENOUGH) {
      fill();
    }
  }

  private void fill() {
    if (!atMarker && position + Long.BYTES <= bytes.length) {
      long next = (long) LONGS.get(bytes, position);
      boolean hasFf = ((~next - 0x0101010101010101L) & next & 0x8080808080808080L) != 0;
      if (!hasFf) {
        int taken = (Long.SIZE - 1 - count) >> 3;
        bits = bits << (8 * taken) | next >>> (Long.SIZE - 8 * taken);
        count += 8 * taken;
        position += taken;
        return;
      }
    }
    while (count <= Long.SIZE - 8) {
      bits = bits << 8 | nextByte();
      count += 8;
    }
  }

  private int nextByte() {
    if (!atMarker) {
      if (position < bytes.length && bytes[position] != (byte) 0xFF) {
        return bytes[position++] & 0xFF;
      }
      if (position + 1 < bytes.length && bytes[position + 1] == 0) {
        position += 2;
        return 0xFF;
      }
      atMarker = true;
    }
    invented += 8;
    return 0;
  }

  /** The next 16 bits, which stay. */
  int look16() {
    return (int) (bits >>> (count - 16)) & 0xFFFF;
  }

  void skip(int number) {
    count -= number;
  }

  /** Takes up to 16 bits. */
  int take(int number) {
    count -= number;
    return (int) (bits >>> count) & ((1 << number) - 1);
  }

  boolean isBeyond() {
    return count < invented;
  }

  /** Where the data ends of which bits were taken, the started byte included. */
  int end() {
    int end = position;
    for (int unread = (count - invented) >> 3; unread > 0; unread--) {
      end -= end >= 2 && bytes[end - 1] == 0 && bytes[end - 2] == (byte) 0xFF ? 2 : 1;
    }
    return end;
  }
}
