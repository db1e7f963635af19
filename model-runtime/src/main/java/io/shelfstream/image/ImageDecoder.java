package io.shelfstream.image;

import io.shelfstream.image.ImageException.Reason;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Decodes JPEG, PNG, WebP and BMP exactly as {@code cv2.imdecode(…, IMREAD_COLOR)} does: upright by
 * EXIF, 8 bits, three channels. Only formats whose size is known beforehand are let through to
 * OpenCV. Safe for several threads.
 */
public final class ImageDecoder {
  /** Nothing is decoded at a reduced scale. */
  public static final int FULLY = 0;

  /**
   * How much larger than the detector's input a reduced image still is: its resizing takes four
   * pixels around each, so what lies beyond twice its input hardly counts.
   */
  private static final int MARGIN = 2;

  private final ImageLimits limits;
  private final int detectorSide;
  private final PixelMemory memory = new PixelMemory();

  public ImageDecoder(ImageLimits limits) {
    this(limits, FULLY);
  }

  /**
   * @param detectorSide side of the detector's input in pixels, for which frames may be decoded at
   *     a reduced scale; {@link #FULLY}: never
   */
  public ImageDecoder(ImageLimits limits, int detectorSide) {
    OpenCv.load();
    this.limits = limits;
    this.detectorSide = detectorSide;
  }

  /**
   * Decodes a frame: fully, or, where it is a JPEG much larger than the detector's input and this
   * decoder may, at half, a quarter or an eighth of its scale, for which libjpeg computes less.
   *
   * @throws ImageException as {@link #decode}
   */
  public Image decodeFrame(byte[] encoded) throws ImageException {
    Source source = check(encoded);
    ImageHeader header = source.header();
    return decoded(source, header.format().equals(ImageHeader.JPEG) ? reduction(header) : 1);
  }

  /**
   * Decodes an image for a small copy: a JPEG at a part of its scale, for which libjpeg computes
   * less, any other fully.
   *
   * @param reduction full pixels for one, along each side: 1, 2, 4 or 8
   * @throws ImageException as {@link #decode}
   */
  public Image decodeReduced(byte[] encoded, int reduction) throws ImageException {
    Source source = check(encoded);
    return decoded(source, source.header().format().equals(ImageHeader.JPEG) ? reduction : 1);
  }

  private Image decoded(Source source, int reduction) throws ImageException {
    if (reduction == 1) {
      return new Image(pixels(source, 1), memory::give);
    }
    ImageHeader header = source.header();
    Mat reduced = pixels(source, reduction);
    boolean turned = reduced.cols() != reduced(header.width(), reduction);
    return new Image(
        (int) (turned ? header.height() : header.width()),
        (int) (turned ? header.width() : header.height()),
        reduced,
        reduction,
        () -> fully(source),
        memory::give);
  }

  private int reduction(ImageHeader header) {
    int reduction = 1;
    long side = Math.min(header.width(), header.height());
    while (detectorSide > 0
        && reduction < 8
        && side / (2L * reduction) >= (long) MARGIN * detectorSide) {
      reduction *= 2;
    }
    return reduction;
  }

  private static long reduced(long side, int reduction) {
    return (side + reduction - 1) / reduction;
  }

  private Mat fully(Source source) {
    try {
      return pixels(source, 1);
    } catch (ImageException e) {
      throw new IllegalStateException("Decoded at a reduced scale, but not fully", e);
    }
  }

  /**
   * @param encoded an image file's bytes; read only
   * @return the image; the caller closes it
   * @throws ImageException when it cannot be used, before memory is taken for pixels where it is
   *     too large
   */
  public Image decode(byte[] encoded) throws ImageException {
    return new Image(pixels(check(encoded), 1), memory::give);
  }

  /** An image of which no part is missing, in bytes that OpenCV reads without a warning. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Source(ImageHeader header, byte[] bytes) {}

  private Source check(byte[] encoded) throws ImageException {
    if (encoded.length == 0) {
      throw new ImageException(Reason.EMPTY_IMAGE, "Image of 0 bytes");
    }
    if (encoded.length > limits.maxBytes()) {
      throw new ImageException(
          Reason.TOO_MANY_BYTES,
          "Image of %d bytes; at most %d are allowed (images.max.bytes)"
              .formatted(encoded.length, limits.maxBytes()));
    }
    ImageHeader header = ImageHeader.read(encoded);
    if (header.width() < 1 || header.height() < 1) {
      throw new ImageException(
          Reason.CORRUPT_IMAGE,
          "%s of %d x %d pixels".formatted(header.format(), header.width(), header.height()));
    }
    if (header.width() > limits.maxPixels() / header.height()) {
      throw new ImageException(
          Reason.TOO_MANY_PIXELS,
          "%s of %d x %d pixels; at most %d are allowed (images.max.pixels)"
              .formatted(header.format(), header.width(), header.height(), limits.maxPixels()));
    }
    return new Source(
        header,
        switch (header.format()) {
          case ImageHeader.JPEG -> JpegScans.whole(encoded);
          case ImageHeader.PNG -> PngStill.of(encoded, header);
          case ImageHeader.BMP -> BmpRows.whole(encoded, header);
          default -> encoded;
        });
  }

  /** All pixels, or one of each reduction × reduction. */
  private Mat pixels(Source source, int reduction) throws ImageException {
    ImageHeader header = source.header();
    return pixels(
        source.bytes(),
        switch (reduction) {
          case 2 -> opencv_imgcodecs.IMREAD_REDUCED_COLOR_2;
          case 4 -> opencv_imgcodecs.IMREAD_REDUCED_COLOR_4;
          case 8 -> opencv_imgcodecs.IMREAD_REDUCED_COLOR_8;
          default -> opencv_imgcodecs.IMREAD_COLOR;
        },
        reduced(header.width(), reduction),
        reduced(header.height(), reduction),
        header);
  }

  private Mat pixels(byte[] encoded, int flags, long width, long height, ImageHeader header)
      throws ImageException {
    Mat bgr = memory.take();
    try (BytePointer bytes = new BytePointer(encoded);
        Mat buffer = new Mat(1, encoded.length, opencv_core.CV_8UC1, bytes);
        Mat decoded = opencv_imgcodecs.imdecode(buffer, flags, bgr)) {
      if (decoded == null || decoded.empty()) {
        throw corrupt(header, "OpenCV cannot decode it");
      }
      boolean asPromised =
          (bgr.cols() == width && bgr.rows() == height)
              || (bgr.cols() == height && bgr.rows() == width);
      if (!asPromised) {
        throw corrupt(header, "it decodes to " + bgr.cols() + " x " + bgr.rows());
      }
    } catch (ImageException e) {
      bgr.close();
      throw e;
    } catch (RuntimeException e) { // C++ exceptions of OpenCV's codecs
      bgr.close();
      throw corrupt(header, String.valueOf(e.getMessage()));
    }
    return bgr;
  }

  private static ImageException corrupt(ImageHeader header, String why) {
    return new ImageException(
        Reason.CORRUPT_IMAGE,
        "Damaged %s of %d x %d pixels: %s"
            .formatted(header.format(), header.width(), header.height(), why));
  }
}
