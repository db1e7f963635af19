package io.shelfstream.image;

import java.text.Normalizer;
import java.util.List;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Point;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.bytedeco.opencv.opencv_core.Size;

/** Draws boxes with captions onto a copy of an image. */
public final class Annotator {
  private static final int FONT = opencv_imgproc.FONT_HERSHEY_SIMPLEX;

  /** As OpenCV has it where nothing is said. */
  private static final int QUALITY = 95;

  private Annotator() {}

  /**
   * One box to draw.
   *
   * @param caption OpenCV's fonts hold ASCII only: accents are dropped, other letters become '?'
   * @param rgb colour as 0xRRGGBB
   */
  public record Annotation(PixelBox box, String caption, int rgb) {}

  /** The annotated copy as JPEG; line width and letters follow the size of the image. */
  public static byte[] annotate(Image image, List<Annotation> annotations) {
    int line = Math.max(1, Math.min(image.width(), image.height()) / 300);
    try (Mat copy = image.bgr().clone()) {
      annotations.forEach(a -> box(copy, a, line));
      CaptionPlaces places = new CaptionPlaces(copy.cols(), copy.rows());
      annotations.forEach(a -> caption(copy, a, line, places)); // above all boxes
      return Pictures.jpeg(copy, QUALITY);
    }
  }

  private static void box(Mat image, Annotation a, int line) {
    try (Point from = new Point(a.box().x1(), a.box().y1());
        Point to = new Point(a.box().x2() - 1, a.box().y2() - 1);
        Scalar colour = colour(a.rgb())) {
      opencv_imgproc.rectangle(image, from, to, colour, line, opencv_imgproc.LINE_8, 0);
    }
  }

  private static void caption(Mat image, Annotation a, int line, CaptionPlaces places) {
    String text = ascii(a.caption());
    double scale = 0.4 + 0.15 * line;
    try (IntPointer baseline = new IntPointer(1);
        Size size = opencv_imgproc.getTextSize(text, FONT, scale, line, baseline)) {
      int height = size.height() + baseline.get() + line;
      PixelBox place = places.take(a.box(), size.width(), height);
      try (Point from = new Point(place.x1(), place.y1());
          Point to = new Point(place.x2(), place.y2());
          Point base = new Point(place.x1(), place.y1() + size.height() + line);
          Scalar colour = colour(a.rgb());
          Scalar white = colour(0xFFFFFF)) {
        opencv_imgproc.rectangle(
            image, from, to, colour, opencv_imgproc.FILLED, opencv_imgproc.LINE_8, 0);
        opencv_imgproc.putText(
            image, text, base, FONT, scale, white, line, opencv_imgproc.LINE_AA, false);
      }
    }
  }

  private static Scalar colour(int rgb) {
    return new Scalar(rgb & 0xFF, (rgb >> 8) & 0xFF, (rgb >> 16) & 0xFF, 0);
  }

  private static String ascii(String text) {
    return Normalizer.normalize(text, Normalizer.Form.NFKD)
        .replaceAll("\\p{M}+", "")
        .replaceAll("[^ -~]", "?");
  }
}
