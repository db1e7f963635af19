package io.shelfstream.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Random;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Mat;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The library against the Java code, bit for bit. */
class NativeResizeTest {
  private static final List<Double> MEAN = List.of(0.485, 0.456, 0.406);
  private static final List<Double> STD = List.of(0.229, 0.224, 0.225);

  @BeforeEach
  void needsTheLibrary() {
    OpenCv.load();
    assumeTrue(
        NativeResize.isAvailable(), "this processor has neither AVX2 nor NEON and keeps to Java");
  }

  @Test
  void givesTheBitsOfTheJavaCode() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int n = 0; n < 60; n++) {
      int interpolation = n % 3 == 0 ? opencv_imgproc.INTER_LINEAR : opencv_imgproc.INTER_CUBIC;
      int size = n % 2 == 0 ? 1 + random.nextInt(70) : 224;
      InputTensor input = InputTensor.ofDetector(size, interpolation, n % 5 != 0, MEAN, STD);
      try (Image image = noise(random, 1 + random.nextInt(300), 1 + random.nextInt(300))) {
        PixelBox box = part(random, image);

        FloatBuffer natively = buffer(input.floats() + 3);
        FloatBuffer inJava = buffer(input.floats() + 3);
        input.write(image, box, natively, 2, true);
        input.write(image, box, inJava, 2, false);

        assertThat(natively)
            .as("seed %d, number %d: %s of %d to %d", seed, n, box, image.width(), size)
            .isEqualTo(inJava);
      }
    }
  }

  @Test
  void refusesATargetThatIsTooSmall() {
    InputTensor input = InputTensor.ofDetector(32, opencv_imgproc.INTER_CUBIC, true, MEAN, STD);
    try (Image image = noise(new Random(1), 50, 40)) {
      PixelBox whole = new PixelBox(0, 0, 50, 40);

      assertThatThrownBy(() -> input.write(image, whole, buffer(input.floats()), 1, true))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("at least " + (input.floats() + 1) + " floats");
    }
  }

  /** Extremes more often than not: they overshoot, and are held. */
  private static Image noise(Random random, int width, int height) {
    Mat mat = new Mat(height, width, opencv_core.CV_8UC3);
    byte[] pixels = new byte[3 * width * height];
    random.nextBytes(pixels);
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = random.nextBoolean() ? pixels[i] : (byte) (random.nextBoolean() ? 255 : 0);
    }
    mat.data().put(pixels);
    return new Image(mat, Mat::close);
  }

  private static PixelBox part(Random random, Image image) {
    int x = random.nextInt(image.width());
    int y = random.nextInt(image.height());
    return new PixelBox(
        x,
        y,
        x + 1 + random.nextInt(image.width() - x),
        y + 1 + random.nextInt(image.height() - y));
  }

  private static FloatBuffer buffer(int floats) {
    return ByteBuffer.allocateDirect(4 * floats).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }
}
