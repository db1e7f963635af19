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
  private final ImageLimits limits;
  private final PixelMemory memory = new PixelMemory();

  public ImageDecoder(ImageLimits limits) {
    OpenCv.load();
    this.limits = limits;
  }

  /**
   * @param encoded an image file's bytes; read only
   * @return the image; the caller closes it
   * @throws ImageException when it cannot be used, before memory is taken for pixels where it is
   *     too large
   */
  public Image decode(byte[] encoded) throws ImageException {
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
    return decode(header.format().equals("PNG") ? PngStill.of(encoded) : encoded, header);
  }

  private Image decode(byte[] encoded, ImageHeader header) throws ImageException {
    Mat bgr = memory.take();
    try (BytePointer bytes = new BytePointer(encoded);
        Mat buffer = new Mat(1, encoded.length, opencv_core.CV_8UC1, bytes);
        Mat decoded = opencv_imgcodecs.imdecode(buffer, opencv_imgcodecs.IMREAD_COLOR, bgr)) {
      if (decoded == null || decoded.empty()) {
        throw corrupt(header, "OpenCV cannot decode it");
      }
      boolean asPromised =
          (bgr.cols() == header.width() && bgr.rows() == header.height())
              || (bgr.cols() == header.height() && bgr.rows() == header.width());
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
    return new Image(bgr, memory::give);
  }

  private static ImageException corrupt(ImageHeader header, String why) {
    return new ImageException(
        Reason.CORRUPT_IMAGE,
        "Damaged %s of %d x %d pixels: %s"
            .formatted(header.format(), header.width(), header.height(), why));
  }
}
