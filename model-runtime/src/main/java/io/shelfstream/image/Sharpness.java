package io.shelfstream.image;

import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Size;

/** How much fine detail a part of an image has. */
public final class Sharpness {

  /** Compared at one size, so that a large photo is not sharp only for being large. */
  private static final int SIDE = 224;

  private Sharpness() {}

  /**
   * Variance of the Laplacian of the part's grey values, scaled to 224 × 224 pixels: some hundreds
   * to thousands for a sharp photo, below one hundred for most blurred ones.
   *
   * @param box inside the image and not empty
   */
  public static double of(Image image, PixelBox box) {
    OpenCv.load();
    try (Rect rect = new Rect(box.x1(), box.y1(), box.width(), box.height());
        Mat part = new Mat(image.bgr(), rect);
        Size size = new Size(SIDE, SIDE);
        Mat scaled = new Mat();
        Mat grey = new Mat();
        Mat laplacian = new Mat()) {
      opencv_imgproc.resize(part, scaled, size, 0, 0, opencv_imgproc.INTER_AREA);
      opencv_imgproc.cvtColor(scaled, grey, opencv_imgproc.COLOR_BGR2GRAY);
      opencv_imgproc.Laplacian(grey, laplacian, opencv_core.CV_32F);
      return variance(laplacian);
    }
  }

  private static double variance(Mat values) {
    try (Mat mean = new Mat();
        Mat deviation = new Mat()) {
      opencv_core.meanStdDev(values, mean, deviation);
      double standard = deviation.createIndexer().getDouble(0);
      return standard * standard;
    }
  }
}
