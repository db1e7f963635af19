package io.shelfstream.image;

/**
 * What an image may cost before it is decoded.
 *
 * @param maxBytes largest encoded size, in bytes
 * @param maxPixels largest width × height; decoded, a pixel takes 3 bytes, and as much again while
 *     it is turned upright
 */
public record ImageLimits(long maxBytes, long maxPixels) {
  /**
   * Room for the largest shelf cameras: a 60-megapixel JPEG is below 32 MiB, and decodes to 180 MB.
   */
  public static final ImageLimits DEFAULT = new ImageLimits(32L << 20, 64_000_000);

  public ImageLimits {
    if (maxBytes < 1 || maxPixels < 1) {
      throw new IllegalArgumentException(
          "image limits expected to be positive, got "
              + maxBytes
              + " bytes and "
              + maxPixels
              + " pixels");
    }
  }
}
