package io.shelfstream.image;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.shelfstream.Golden;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Pixels and model inputs against cv2 and numpy, for every format, depth, orientation and size. */
class GoldenImagesTest {
  private static final List<Double> MEAN = List.of(0.485, 0.456, 0.406);
  private static final List<Double> STD = List.of(0.229, 0.224, 0.225);
  private static final int LINEAR = opencv_imgproc.INTER_LINEAR;
  private static final int CUBIC = opencv_imgproc.INTER_CUBIC;

  static Stream<Arguments> images() {
    return Golden.stream(Golden.json("images.json")).map(g -> Arguments.of(g.get("file"), g));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("images")
  void decodesToThePixelsOfCv2(JsonNode file, JsonNode golden) {
    byte[] encoded = Golden.bytes("golden/images/" + file.asText());

    try (Image image = Golden.image(encoded)) {
      assertThat(image.width()).isEqualTo(golden.get("width").asInt());
      assertThat(image.height()).isEqualTo(golden.get("height").asInt());
      assertThat(image.bgr().channels()).isEqualTo(3);
      assertThat(sha256(image.bgr().createBuffer())).isEqualTo(golden.get("pixels").asText());
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("images")
  void detectorInputIsThatOfTheReference(JsonNode file, JsonNode golden) {
    try (Image image = Golden.image(Golden.bytes("golden/images/" + file.asText()))) {
      PixelBox whole = image.box();

      FloatBuffer at640 = write(InputTensor.ofDetector(640, CUBIC, true, MEAN, STD), image, whole);
      FloatBuffer at416 = write(InputTensor.ofDetector(416, CUBIC, true, MEAN, STD), image, whole);

      assertSamples(at640, golden.get("detector640"));
      assertSamples(at416, golden.get("detector416"));
      if (CubicResize.takes(whole) || isX86()) {
        assertBits(at640, golden.get("detector640"));
        assertBits(at416, golden.get("detector416"));
      }
    }
  }

  /**
   * OpenCV itself resizes what is narrower than 4 pixels; on ARM it rounds some values otherwise.
   */
  private static boolean isX86() {
    return System.getProperty("os.arch").equals("amd64");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("images")
  void extractorInputIsThatOfTheReference(JsonNode file, JsonNode golden) {
    InputTensor input = InputTensor.ofExtractor(224, LINEAR, true, MEAN, STD);
    int[] box = Golden.ints(golden.get("crop"));
    try (Image image = Golden.image(Golden.bytes("golden/images/" + file.asText()))) {

      FloatBuffer whole = write(input, image, image.box());
      FloatBuffer crop = write(input, image, new PixelBox(box[0], box[1], box[2], box[3]));

      assertSame(whole, golden.get("extractor"));
      assertSame(crop, golden.get("extractorOfCrop"));
    }
  }

  private static FloatBuffer write(InputTensor input, Image image, PixelBox box) {
    FloatBuffer target =
        ByteBuffer.allocateDirect(4 * input.floats())
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();
    input.write(image, box, target, 0);
    return target;
  }

  private static void assertSame(FloatBuffer tensor, JsonNode golden) {
    assertSamples(tensor, golden);
    assertBits(tensor, golden);
  }

  private static void assertSamples(FloatBuffer tensor, JsonNode golden) {
    float[] samples = Golden.floats(golden.get("samples"));
    double largest = 0;
    for (int k = 0; k < samples.length; k++) {
      int at = (int) (k * 2654435761L % tensor.capacity());
      largest = Math.max(largest, Math.abs(samples[k] - tensor.get(at)));
    }

    assertThat(largest).as("largest difference of samples").isLessThanOrEqualTo(1e-6);
  }

  private static void assertBits(FloatBuffer tensor, JsonNode golden) {
    assertThat(sha256(littleEndian(tensor)))
        .as("all bits")
        .isEqualTo(golden.get("sha256").asText());
  }

  private static ByteBuffer littleEndian(FloatBuffer tensor) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * tensor.capacity()).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(tensor.duplicate().clear());
    return bytes;
  }

  private static String sha256(ByteBuffer bytes) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(bytes);
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
