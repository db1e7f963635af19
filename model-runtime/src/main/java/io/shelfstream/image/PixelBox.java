package io.shelfstream.image;

/**
 * A rectangle in whole pixels of an image after EXIF rotation: origin top-left, end-exclusive. It
 * may reach past the image, as a detector's box does; {@link #clip} cuts it down.
 */
public record PixelBox(int x1, int y1, int x2, int y2) {

  /** The part of this box inside an image of {@code width} × {@code height}; may be empty. */
  public PixelBox clip(int width, int height) {
    return new PixelBox(
        within(x1, width), within(y1, height), within(x2, width), within(y2, height));
  }

  private static int within(int value, int limit) {
    return Math.max(0, Math.min(value, limit));
  }

  public int width() {
    return x2 - x1;
  }

  public int height() {
    return y2 - y1;
  }

  public boolean isEmpty() {
    return x2 <= x1 || y2 <= y1;
  }
}
