package io.shelfstream.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Point;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.junit.jupiter.api.Test;

class ReducedDecodingTest {
  private static final ImageDecoder FOR_100 = new ImageDecoder(ImageLimits.DEFAULT, 100);
  private static final List<Double> MEAN = List.of(0.485, 0.456, 0.406);
  private static final List<Double> STD = List.of(0.229, 0.224, 0.225);

  @Test
  void keepsTheSizeOfTheFrameAndTwiceTheDetectorsInput() throws ImageException {
    try (Image image = FOR_100.decodeFrame(jpeg(1203, 810))) {
      PixelBox whole = new PixelBox(0, 0, 1203, 810);

      assertThat(image.width()).isEqualTo(1203);
      assertThat(image.height()).isEqualTo(810);
      assertThat(image.part(whole, 100).bgr().rows())
          .isEqualTo(203); // a quarter; 102 would be less
      assertThat(image.part(whole, 100).box()).isEqualTo(new PixelBox(0, 0, 301, 203));
    }
  }

  @Test
  void leavesSmallImagesOtherFormatsAndOtherDecodersAlone() throws ImageException {
    byte[] small = jpeg(500, 399);
    byte[] large = jpeg(900, 800);
    PixelBox box = new PixelBox(0, 0, 399, 399);
    try (Image tooSmall = FOR_100.decodeFrame(small);
        Image png = FOR_100.decodeFrame(encoded(".png", 900, 800));
        Image photo = FOR_100.decode(large);
        Image elsewhere = new ImageDecoder(ImageLimits.DEFAULT).decodeFrame(large)) {

      for (Image image : List.of(tooSmall, png, photo, elsewhere)) {
        assertThat(image.part(box, 10).bgr().cols()).isEqualTo(image.width());
      }
    }
  }

  @Test
  void smallPartsComeFromTheFullImage() throws ImageException {
    byte[] frame = jpeg(1200, 800);
    PixelBox small = new PixelBox(600, 300, 680, 420);
    try (Image image = FOR_100.decodeFrame(frame);
        Image full = FOR_100.decode(frame)) {

      assertThat(image.part(small, 40).box()).isEqualTo(small);
      assertThat(tensor(image, small, 40)).isEqualTo(tensor(full, small, 40));
      assertThat(image.part(small, 20).box()).isEqualTo(new PixelBox(150, 75, 170, 105));
    }
  }

  @Test
  void showsTheSameInTheSamePlaces() throws ImageException {
    byte[] frame = jpeg(1203, 810);
    try (Image image = FOR_100.decodeFrame(frame);
        Image full = FOR_100.decode(frame)) {
      for (PixelBox box :
          List.of(new PixelBox(0, 0, 1203, 810), new PixelBox(401, 199, 1203, 810))) {
        FloatBuffer reduced = tensor(image, box, 100);
        FloatBuffer fully = tensor(full, box, 100);

        assertThat(meanDifference(reduced, fully)).as("%s", box).isLessThan(0.1);
      }
    }
  }

  private static double meanDifference(FloatBuffer a, FloatBuffer b) {
    double sum = 0;
    for (int i = 0; i < a.capacity(); i++) {
      sum += Math.abs(a.get(i) - b.get(i));
    }
    return sum / a.capacity();
  }

  private static FloatBuffer tensor(Image image, PixelBox box, int size) {
    InputTensor input = InputTensor.ofDetector(size, opencv_imgproc.INTER_CUBIC, true, MEAN, STD);
    FloatBuffer target =
        ByteBuffer.allocateDirect(4 * input.floats())
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();
    input.write(image, box, target, 0);
    return target;
  }

  private static byte[] jpeg(int width, int height) {
    return encoded(".jpg", width, height);
  }

  /** Discs of many colours, so that a shift would show. */
  private static byte[] encoded(String format, int width, int height) {
    OpenCv.load();
    try (Mat mat = new Mat(height, width, org.bytedeco.opencv.global.opencv_core.CV_8UC3);
        BytePointer bytes = new BytePointer()) {
      mat.put(new Scalar(90, 120, 150, 0));
      for (int i = 0; i < 40; i++) {
        opencv_imgproc.circle(
            mat,
            new Point(i * 331 % width, i * 173 % height),
            20 + i,
            new Scalar(i * 53 % 256, i * 97 % 256, i * 29 % 256, 0),
            -1,
            opencv_imgproc.LINE_AA,
            0);
      }
      opencv_imgcodecs.imencode(format, mat, bytes);
      byte[] encoded = new byte[(int) bytes.limit()];
      bytes.get(encoded);
      return encoded;
    }
  }
}
