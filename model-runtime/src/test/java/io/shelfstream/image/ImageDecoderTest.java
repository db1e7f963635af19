package io.shelfstream.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.shelfstream.Golden;
import io.shelfstream.image.ImageException.Reason;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageDecoderTest {
  private static final long MIB = 1 << 20;

  @Test
  void refusesZeroBytes() {
    ImageException refused = refused(new byte[0], ImageLimits.DEFAULT);

    assertThat(refused.reason()).isEqualTo(Reason.EMPTY_IMAGE);
    assertThat(refused).hasMessageContaining("0 bytes");
  }

  @Test
  void refusesMoreBytesThanAllowed() {
    byte[] photo = golden("photo.jpg");

    ImageException refused = refused(photo, new ImageLimits(1000, 1_000_000));

    assertThat(refused.reason()).isEqualTo(Reason.TOO_MANY_BYTES);
    assertThat(refused).hasMessageContaining(photo.length + " bytes").hasMessageContaining("1000");
  }

  @ParameterizedTest
  @ValueSource(strings = {"photo.jpg", "progressive.jpg", "palette.png", "lossy.webp"})
  void allowsExactlyTheMostPixelsAndRefusesOneLess(String name) {
    byte[] encoded = golden(name);

    Image atTheLimit = Golden.image(encoded);
    ImageException refused = refused(encoded, new ImageLimits(MIB, 333 * 517 - 1));

    assertThat(atTheLimit.width()).isEqualTo(333);
    assertThat(refused.reason()).isEqualTo(Reason.TOO_MANY_PIXELS);
    assertThat(refused).hasMessageContaining("333 x 517").hasMessageContaining("172160");
    atTheLimit.close();
  }

  @Test
  void refusesAHugePngBeforeMemoryIsTakenForIt() {
    byte[] png = golden("grey.png");
    ByteBuffer.wrap(png).putInt(16, 30_000).putInt(20, 30_000);
    refused(png, ImageLimits.DEFAULT); // classes and libraries are loaded
    long nativeBefore = Pointer.physicalBytes();
    long javaBefore = allocated();

    ImageException refused = refused(png, ImageLimits.DEFAULT);

    assertThat(refused.reason()).isEqualTo(Reason.TOO_MANY_PIXELS);
    assertThat(refused).hasMessageContaining("PNG of 30000 x 30000 pixels");
    // Of the whole process, whose other threads take some too; the picture would take 2.5 GiB.
    assertThat(Pointer.physicalBytes() - nativeBefore).isLessThan(500 * MIB);
    assertThat(allocated() - javaBefore).isLessThan(MIB);
  }

  @Test
  void refusesHugeJpegWebpAndBmpByTheirHeaders() {
    byte[] jpeg = golden("photo.jpg");
    int frame = indexOf(jpeg, 0xFF, 0xC0);
    ByteBuffer.wrap(jpeg).putShort(frame + 5, (short) 65_000).putShort(frame + 7, (short) 65_000);
    byte[] webp = golden("lossy.webp");
    ByteBuffer.wrap(webp).order(ByteOrder.LITTLE_ENDIAN).putInt(26, 0x3FFF3FFF);
    byte[] bmp = golden("run-length.bmp");
    ByteBuffer.wrap(bmp).order(ByteOrder.LITTLE_ENDIAN).putInt(18, 1 << 30).putInt(22, -(1 << 30));

    assertThat(refused(jpeg, ImageLimits.DEFAULT)).hasMessageContaining("65000 x 65000");
    assertThat(refused(webp, ImageLimits.DEFAULT)).hasMessageContaining("16383 x 16383");
    assertThat(refused(bmp, ImageLimits.DEFAULT)).hasMessageContaining("1073741824 x 1073741824");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "photo.jpg",
        "progressive.jpg",
        "photo-422-restarts.jpg",
        "cmyk.jpg",
        "photo.png",
        "palette.png",
        "sixteen-bit.png",
        "lossy.webp",
        "lossless.webp",
        "alpha.webp",
        "photo.bmp",
        "alpha.bmp",
        "run-length.bmp"
      })
  void refusesWhatWasCutOffAnywhere(String name) {
    byte[] whole = golden(name);

    for (int percent : new int[] {3, 10, 25, 50, 75, 90, 99}) {
      byte[] cut = Arrays.copyOf(whole, Math.max(16, whole.length * percent / 100));

      ImageException refused = refused(cut, ImageLimits.DEFAULT);

      assertThat(refused.reason()).as(percent + " %").isEqualTo(Reason.CORRUPT_IMAGE);
      assertThat(refused).hasMessageMatching(".*\\d.*");
    }
    // The last two bytes of these only say that nothing follows.
    if (!name.equals("run-length.bmp") && !name.endsWith(".jpg")) {
      byte[] cut = Arrays.copyOf(whole, whole.length - 2);
      assertThat(refused(cut, ImageLimits.DEFAULT).reason()).isEqualTo(Reason.CORRUPT_IMAGE);
    }
  }

  @Test
  void acceptsWhatFollowsTheEndOfAnImage() {
    for (String name : new String[] {"photo.jpg", "photo.png", "lossy.webp", "photo.bmp"}) {
      byte[] whole = golden(name);
      byte[] longer = Arrays.copyOf(whole, whole.length + 100);
      Arrays.fill(longer, whole.length, longer.length, (byte) 0xFF);

      try (Image plain = Golden.image(whole);
          Image trailed = Golden.image(longer)) {
        assertThat(pixels(trailed)).isEqualTo(pixels(plain));
      }
    }
  }

  @Test
  void refusesTextAndOtherFormatsByTheirFirstBytes() {
    byte[] text = "not a picture at all".getBytes(StandardCharsets.UTF_8);
    byte[] gif = "GIF89a\1\0\1\0".getBytes(StandardCharsets.ISO_8859_1);
    byte[] tiff = {'I', 'I', 42, 0, 8, 0, 0, 0};

    for (byte[] other : new byte[][] {text, gif, tiff, {(byte) 0xFF}, new byte[5000]}) {
      ImageException refused = refused(other, ImageLimits.DEFAULT);

      assertThat(refused.reason()).isEqualTo(Reason.UNSUPPORTED_IMAGE);
      assertThat(refused)
          .hasMessageContaining(other.length + " bytes")
          .hasMessageContaining("%02x".formatted(other[0]));
    }
  }

  @Test
  void refusesAJpegOfThousandsOfScans() {
    byte[] photo = golden("progressive.jpg");
    int scan = indexOf(photo, 0xFF, 0xDA);
    int length = 2 + ByteBuffer.wrap(photo).getShort(scan + 2);
    ByteBuffer bomb = ByteBuffer.allocate(photo.length + 5000 * length);
    bomb.put(photo, 0, scan);
    for (int i = 0; i < 5000; i++) {
      bomb.put(photo, scan, length);
    }
    bomb.put(photo, scan, photo.length - scan);

    ImageException refused = refused(bomb.array(), ImageLimits.DEFAULT);

    assertThat(refused.reason()).isEqualTo(Reason.CORRUPT_IMAGE);
    assertThat(refused).hasMessageContaining("more than 500 scans");
  }

  @Test
  void takesTheStillOutOfAnAnimationThatCrashesOpenCv() {
    byte[] still = golden("animated.png");
    byte[] crashing = Golden.bytes("golden/animated-without-frames.png");

    try (Image expected = Golden.image(still);
        Image image = Golden.image(crashing)) {
      assertThat(pixels(image)).isEqualTo(pixels(expected));
    }
  }

  @Test
  void refusesAPngWithoutPixelsAtOnce() {
    byte[] png = golden("1x1.png");
    png[indexOf(png, 'I', 'D')] = 'J';

    ImageException refused = refused(png, ImageLimits.DEFAULT);

    assertThat(refused.reason()).isEqualTo(Reason.CORRUPT_IMAGE);
    assertThat(refused).hasMessageContaining("4a444154");
  }

  /** OpenCV refuses it as well, after libpng has written to standard error. */
  @Test
  void refusesAPngWhosePixelsDoNotHaveTheirCheckSum() {
    byte[] png = golden("grey.png");
    int chunk = indexOf(png, 'I', 'D') - 4;
    int length = ByteBuffer.wrap(png).getInt(chunk);
    png[chunk + 8 + length / 2] ^= 1;

    ImageException refused = refused(png, ImageLimits.DEFAULT);

    assertThat(refused.reason()).isEqualTo(Reason.CORRUPT_IMAGE);
    assertThat(refused)
        .hasMessageContaining("61 x 37 pixels")
        .hasMessageContaining("the chunk at byte " + chunk + " does not have its check sum");
  }

  @Test
  void refusesImagesWithoutPixels() {
    byte[] png = golden("grey.png");
    ByteBuffer.wrap(png).putInt(16, 0);

    assertThat(refused(png, ImageLimits.DEFAULT)).hasMessageContaining("0 x 37 pixels");
  }

  @Test
  void aClosedImagesMemoryServesTheNextOneAndNoTwoAtOnce() throws ImageException {
    ImageDecoder decoder = new ImageDecoder(ImageLimits.DEFAULT);
    Image first = decoder.decode(golden("progressive.jpg"));
    long memory = first.bgr().data().address();
    first.close();
    first.close();

    try (Image second = decoder.decode(golden("photo.jpg"));
        Image third = decoder.decode(golden("photo.jpg"));
        Image fresh = new ImageDecoder(ImageLimits.DEFAULT).decode(golden("photo.jpg"))) {
      assertThat(second.bgr().data().address()).isEqualTo(memory);
      assertThat(third.bgr().data().address()).isNotEqualTo(memory);
      assertThat(pixels(second)).isEqualTo(pixels(fresh));
    }
  }

  @Test
  void limitsMustBePositive() {
    assertThat(catchThrowableOfType(IllegalArgumentException.class, () -> new ImageLimits(0, 5)))
        .hasMessageContaining("0 bytes")
        .hasMessageContaining("5");
  }

  private static ImageException refused(byte[] encoded, ImageLimits limits) {
    ImageException refused =
        catchThrowableOfType(
            ImageException.class, () -> new ImageDecoder(limits).decode(encoded).close());
    assertThat(refused).as("refusal").isNotNull();
    return refused;
  }

  private static byte[] pixels(Image image) {
    byte[] pixels = new byte[3 * image.width() * image.height()];
    image.bgr().data().get(pixels);
    return pixels;
  }

  private static long allocated() {
    return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean())
        .getThreadAllocatedBytes(Thread.currentThread().getId());
  }

  private static byte[] golden(String name) {
    return Golden.bytes("golden/images/" + name);
  }

  private static int indexOf(byte[] bytes, int first, int second) {
    for (int i = 0; i + 1 < bytes.length; i++) {
      if ((bytes[i] & 0xFF) == first && (bytes[i + 1] & 0xFF) == second) {
        return i;
      }
    }
    throw new AssertionError("no such marker");
  }
}
