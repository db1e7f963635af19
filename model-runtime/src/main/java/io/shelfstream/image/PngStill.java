package io.shelfstream.image;

import io.shelfstream.image.ImageException.Reason;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Set;
import java.util.zip.CRC32;

/**
 * A PNG less the optional chunks that do not touch its pixels, above all those of an animation:
 * OpenCV 4.13 crashes the process on some damaged animations. What stays is the still picture that
 * every PNG holds, its transparency and its orientation.
 *
 * <p>A damaged chunk of the picture itself is refused here, by its check sum: libpng would refuse
 * it as well, but writes a line to standard error for each, which OpenCV gives us no way to turn
 * off.
 */
final class PngStill {
  private static final int SIGNATURE = 8;
  private static final int FRAME = 12; // length, type and check sum around a chunk's data
  private static final int OPTIONAL = 0x20000000; // a small first letter
  private static final int TRANSPARENCY = 0x74524E53; // tRNS
  private static final int ORIENTATION = 0x65584966; // eXIf
  private static final int HEADER = 0x49484452; // IHDR
  private static final int PIXELS = 0x49444154; // IDAT
  private static final int END = 0x49454E44; // IEND
  private static final Set<Integer> KEPT = Set.of(TRANSPARENCY, ORIENTATION);

  private PngStill() {}

  /**
   * @param png whole up to its end chunk, as {@link ImageHeader} has checked
   * @param header of it
   * @throws ImageException when its size or its pixels do not have their check sum
   */
  static byte[] of(byte[] png, ImageHeader header) throws ImageException {
    ByteBuffer chunks = ByteBuffer.wrap(png);
    ByteBuffer still = ByteBuffer.allocate(png.length);
    still.put(png, 0, SIGNATURE);
    int at = SIGNATURE;
    int type = 0;
    while (type != END) {
      type = chunks.getInt(at + 4);
      int length = type == END ? FRAME : chunks.getInt(at) + FRAME;
      if (type == HEADER || type == PIXELS) {
        requireCheckSum(chunks, at, length, header);
      }
      if ((type & OPTIONAL) == 0 || KEPT.contains(type)) {
        still.put(png, at, length);
      }
      at += length;
    }
    return Arrays.copyOf(still.array(), still.position());
  }

  /** Over type and data, in the last four bytes of the chunk. */
  private static void requireCheckSum(ByteBuffer chunks, int at, int length, ImageHeader header)
      throws ImageException {
    CRC32 sum = new CRC32();
    sum.update(chunks.array(), at + 4, length - 8);
    if ((int) sum.getValue() != chunks.getInt(at + length - 4)) {
      throw new ImageException(
          Reason.CORRUPT_IMAGE,
          "Damaged PNG of %d x %d pixels: the chunk at byte %d does not have its check sum"
              .formatted(header.width(), header.height(), at));
    }
  }
}
