package io.shelfstream.image;

import static org.assertj.core.api.Assertions.assertThat;

import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.bytedeco.opencv.opencv_core.Size;
import org.junit.jupiter.api.Test;

class SharpnessTest {

  @Test
  void fallsWithBlurAndLooksAtTheBoxOnly() {
    OpenCv.load();
    try (Mat pixels = new Mat(224, 448, opencv_core.CV_8UC3, Scalar.GRAY);
        Mat left = new Mat(pixels, new Rect(0, 0, 224, 224));
        Mat low = new Mat(1, 1, opencv_core.CV_64F, new Scalar(0));
        Mat high = new Mat(1, 1, opencv_core.CV_64F, new Scalar(255))) {
      opencv_core.randu(left, low, high);
      PixelBox noisy = new PixelBox(0, 0, 224, 224);
      double sharp = of(pixels, noisy);
      opencv_imgproc.GaussianBlur(left, left, new Size(0, 0), 2);

      assertThat(of(pixels, noisy)).isPositive().isLessThan(sharp / 100);
      assertThat(of(pixels, new PixelBox(300, 0, 448, 224))).isZero();
    }
  }

  private static double of(Mat pixels, PixelBox box) {
    try (Image image = new Image(pixels.clone(), Mat::close)) {
      return Sharpness.of(image, box);
    }
  }
}
