package io.shelfstream.image;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Size;

/** Smaller copies of images, for people to look at and for records to hold. */
public final class Pictures {
  private Pictures() {}

  /**
   * A part of an image as JPEG, scaled down where it is larger; never scaled up.
   *
   * @param part in pixels; clipped to the image
   * @param longest side of the copy, in pixels, 1 or more
   * @param quality of the JPEG, 1 to 100
   * @throws IllegalArgumentException when the part lies outside the image
   */
  public static byte[] jpeg(Image image, PixelBox part, int longest, int quality) {
    PixelBox inside = part.clip(image.width(), image.height());
    if (inside.isEmpty()) {
      throw new IllegalArgumentException(
          "%s lies outside the image of %d x %d pixels"
              .formatted(part, image.width(), image.height()));
    }
    int width = inside.x2() - inside.x1();
    int height = inside.y2() - inside.y1();
    double scale = Math.min(1, (double) longest / Math.max(width, height));
    try (Rect rect = new Rect(inside.x1(), inside.y1(), width, height);
        Mat cut = new Mat(image.bgr(), rect);
        Size size =
            new Size(
                Math.max(1, (int) Math.round(width * scale)),
                Math.max(1, (int) Math.round(height * scale)));
        Mat small = new Mat()) {
      opencv_imgproc.resize(cut, small, size, 0, 0, opencv_imgproc.INTER_AREA);
      return jpeg(small, quality);
    }
  }

  static byte[] jpeg(Mat image, int quality) {
    try (BytePointer encoded = new BytePointer();
        IntPointer parameters = new IntPointer(opencv_imgcodecs.IMWRITE_JPEG_QUALITY, quality)) {
      if (!opencv_imgcodecs.imencode(".jpg", image, encoded, parameters)) {
        throw new IllegalStateException("OpenCV could not encode the image as JPEG");
      }
      byte[] bytes = new byte[Math.toIntExact(encoded.limit())];
      encoded.get(bytes);
      return bytes;
    }
  }
}
