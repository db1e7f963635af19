package io.shelfstream.image;

import io.shelfstream.image.ImageException.Reason;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Counts the rows of a BMP in run-length coding, which may end early; a decoder leaves the rest
 * black.
 */
final class BmpRows {
  private static final int EIGHT_BITS = 1;
  private static final int FOUR_BITS = 2;

  private BmpRows() {}

  /**
   * Returns the same bytes.
   *
   * @param bmp whose header {@link ImageHeader} has read
   * @throws ImageException CORRUPT_IMAGE when rows are missing
   */
  static byte[] whole(byte[] bmp, ImageHeader header) throws ImageException {
    ByteBuffer bytes = ByteBuffer.wrap(bmp).order(ByteOrder.LITTLE_ENDIAN);
    int compression = bytes.getInt(14) == 12 ? 0 : bytes.getInt(30);
    if (compression == EIGHT_BITS || compression == FOUR_BITS) {
      long from = Integer.toUnsignedLong(bytes.getInt(10));
      long rows = rows(bytes.position((int) Math.min(from, bmp.length)), compression);
      if (rows < header.height()) {
        throw new ImageException(
            Reason.CORRUPT_IMAGE,
            "Damaged BMP: it ends after row %d of %d".formatted(rows, header.height()));
      }
    }
    return bmp;
  }

  private static long rows(ByteBuffer bytes, int compression) {
    long row = 0;
    boolean isBegun = false;
    try {
      while (true) {
        int count = bytes.get() & 0xFF;
        int value = bytes.get() & 0xFF;
        isBegun = true;
        if (count > 0) {
          continue;
        }
        switch (value) {
          case 0 -> {
            row++;
            isBegun = false;
          }
          case 1 -> {
            return row + 1; // the last row need not have an end of its own
          }
          case 2 -> {
            bytes.get();
            row += bytes.get() & 0xFF;
          }
          default -> {
            int length = compression == EIGHT_BITS ? value : (value + 1) / 2;
            bytes.position(Math.min(bytes.limit(), bytes.position() + length + (length & 1)));
          }
        }
      }
    } catch (BufferUnderflowException e) {
      return isBegun ? row + 1 : row; // the end mark may be missing
    }
  }
}
