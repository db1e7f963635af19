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
   * A part of an image as JPEG, scaled down where it is larger; never scaled up. Of an image that
   * was decoded at a reduced scale, the reduced pixels are taken where they are enough.
   *
   * @param wanted part in pixels; clipped to the image
   * @param longest side of the copy, in pixels, 1 or more
   * @param quality of the JPEG, 1 to 100
   * @throws IllegalArgumentException when the part lies outside the image
   */
  public static byte[] jpeg(Image image, PixelBox wanted, int longest, int quality) {
    PixelBox inside = wanted.clip(image.width(), image.height());
    if (inside.isEmpty()) {
      throw new IllegalArgumentException(
          "%s lies outside the image of %d x %d pixels"
              .formatted(wanted, image.width(), image.height()));
    }
    int width = inside.x2() - inside.x1();
    int height = inside.y2() - inside.y1();
    double scale = Math.min(1, (double) longest / Math.max(width, height));
    int toWidth = Math.max(1, (int) Math.round(width * scale));
    int toHeight = Math.max(1, (int) Math.round(height * scale));
    Image.Part part = image.part(inside, (int) (Math.min(width, height) * scale));
    PixelBox box = part.box();
    try (Rect rect = new Rect(box.x1(), box.y1(), box.width(), box.height());
        Mat cut = new Mat(part.bgr(), rect);
        Size size = new Size(toWidth, toHeight);
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
