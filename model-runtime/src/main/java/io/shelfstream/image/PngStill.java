package io.shelfstream.image;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Set;

/**
 * A PNG less the optional chunks that do not touch its pixels, above all those of an animation:
 * OpenCV 4.13 crashes the process on some damaged animations. What stays is the still picture that
 * every PNG holds, its transparency and its orientation.
 */
final class PngStill {
  private static final int SIGNATURE = 8;
  private static final int FRAME = 12; // length, type and check sum around a chunk's data
  private static final int OPTIONAL = 0x20000000; // a small first letter
  private static final int TRANSPARENCY = 0x74524E53; // tRNS
  private static final int ORIENTATION = 0x65584966; // eXIf
  private static final int END = 0x49454E44; // IEND
  private static final Set<Integer> KEPT = Set.of(TRANSPARENCY, ORIENTATION);

  private PngStill() {}

  /**
   * @param png whole up to its end chunk, as {@link ImageHeader} has checked
   */
  static byte[] of(byte[] png) {
    ByteBuffer chunks = ByteBuffer.wrap(png);
    ByteBuffer still = ByteBuffer.allocate(png.length);
    still.put(png, 0, SIGNATURE);
    int at = SIGNATURE;
    int type = 0;
    while (type != END) {
      type = chunks.getInt(at + 4);
      int length = type == END ? FRAME : chunks.getInt(at) + FRAME;
      if ((type & OPTIONAL) == 0 || KEPT.contains(type)) {
        still.put(png, at, length);
      }
      at += length;
    }
    return Arrays.copyOf(still.array(), still.position());
  }
}
