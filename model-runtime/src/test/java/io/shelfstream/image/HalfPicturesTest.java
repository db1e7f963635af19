package io.shelfstream.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.shelfstream.Golden;
import io.shelfstream.image.ImageException.Reason;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.bytedeco.opencv.opencv_core.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A picture of which a part is missing is never taken for a whole one. */
class HalfPicturesTest {
  private static final ImageDecoder decoder = new ImageDecoder(ImageLimits.DEFAULT);

  static {
    OpenCv.load();
  }

  /** A way to write a JPEG: a sampling, progressive or not, restart interval, own tables or not. */
  record Way(int sampling, boolean progressive, int restarts, boolean optimized) {
    byte[] write(int width, int height) {
      return encode(
          ".jpg",
          width,
          height,
          opencv_imgcodecs.IMWRITE_JPEG_QUALITY,
          80,
          opencv_imgcodecs.IMWRITE_JPEG_SAMPLING_FACTOR,
          sampling,
          opencv_imgcodecs.IMWRITE_JPEG_PROGRESSIVE,
          progressive ? 1 : 0,
          opencv_imgcodecs.IMWRITE_JPEG_RST_INTERVAL,
          restarts,
          opencv_imgcodecs.IMWRITE_JPEG_OPTIMIZE,
          optimized ? 1 : 0);
    }
  }

  static Stream<Way> ways() {
    return Stream.of(0x411111, 0x221111, 0x211111, 0x121111, 0x111111)
        .flatMap(
            sampling ->
                Stream.of(
                    new Way(sampling, false, 0, false),
                    new Way(sampling, false, 0, true),
                    new Way(sampling, false, 3, false),
                    new Way(sampling, true, 0, false),
                    new Way(sampling, true, 5, false)));
  }

  @ParameterizedTest
  @MethodSource("ways")
  void takesWholeJpegsOfAnySizeAsTheyAre(Way way) throws ImageException {
    for (int[] size : new int[][] {{1, 1}, {7, 33}, {16, 16}, {97, 50}, {250, 131}}) {
      byte[] jpeg = way.write(size[0], size[1]);

      assertThat(JpegScans.whole(jpeg)).as("%s x %s", size[0], size[1]).isSameAs(jpeg);
    }
  }

  @ParameterizedTest
  @MethodSource("ways")
  void refusesAJpegThatWasCutAndClosed(Way way) {
    byte[] whole = way.write(250, 131);
    int scan = start(whole, 0xDA, 0);
    for (int percent : new int[] {2, 20, 50, 80, 97}) {
      int at = scan + 14 + (whole.length - scan - 16) * percent / 100;
      while (whole[at - 1] == (byte) 0xFF) {
        at--;
      }
      byte[] cut = Arrays.copyOf(whole, at);

      assertThat(reason(cut)).as("%d %%, no end", percent).isEqualTo(Reason.CORRUPT_IMAGE);
      if (!way.progressive() || isWithinFirstScan(whole, at)) {
        assertThat(reason(closed(cut))).as("%d %%", percent).isEqualTo(Reason.CORRUPT_IMAGE);
      }
    }
  }

  private static boolean isWithinFirstScan(byte[] jpeg, int at) {
    return at < start(jpeg, 0xC4, start(jpeg, 0xDA, 0));
  }

  @ParameterizedTest
  @MethodSource("ways")
  void takesAJpegThatOnlyLacksItsEndMarker(Way way) throws ImageException {
    byte[] whole = way.write(250, 131);

    for (int less : new int[] {1, 2}) {
      byte[] open = Arrays.copyOf(whole, whole.length - less);
      try (Image expected = decoder.decode(whole);
          Image image = decoder.decode(open)) {
        assertThat(pixels(image)).isEqualTo(pixels(expected));
      }
    }
  }

  /** Its first scans show all of the picture, if less sharp. */
  @Test
  void takesAProgressiveJpegWithoutItsLastScansOnlyWhenItIsClosed() throws ImageException {
    byte[] whole = new Way(0x221111, true, 0, false).write(250, 131);
    int second = start(whole, 0xC4, start(whole, 0xDA, 0));
    byte[] first = Arrays.copyOf(whole, second);

    try (Image image = decoder.decode(closed(first))) {
      assertThat(image.width()).isEqualTo(250);
    }
    assertThat(reason(first)).isEqualTo(Reason.CORRUPT_IMAGE);
  }

  @Test
  void refusesAJpegWithAHoleOrAWrongTurn() {
    byte[] plain = new Way(0x221111, false, 0, false).write(250, 131);
    byte[] restarts = new Way(0x221111, false, 2, false).write(250, 131);
    byte[] zeros = plain.clone();
    Arrays.fill(zeros, plain.length / 2, plain.length - 2, (byte) 0);
    byte[] swapped = restarts.clone();
    swapped[start(restarts, 0xD3, 0) + 1] = (byte) 0xD4;

    assertThat(reason(without(plain, plain.length / 2, 2000))).isEqualTo(Reason.CORRUPT_IMAGE);
    assertThat(reason(without(restarts, start(restarts, 0xD2, 0), 900)))
        .isEqualTo(Reason.CORRUPT_IMAGE);
    assertThat(
            reason(
                without(
                    restarts,
                    start(restarts, 0xD0, 0),
                    start(restarts, 0xD0, start(restarts, 0xD0, 0) + 2)
                        - start(restarts, 0xD0, 0))))
        .isEqualTo(Reason.CORRUPT_IMAGE);
    assertThat(reason(zeros)).isEqualTo(Reason.CORRUPT_IMAGE);
    assertThat(reason(swapped)).isEqualTo(Reason.CORRUPT_IMAGE);
  }

  @Test
  void greyIsAColourLikeOthers() throws ImageException {
    try (Mat grey = new Mat(131, 250, opencv_core.CV_8UC3, Scalar.all(128));
        BytePointer out = new BytePointer()) {
      opencv_imgcodecs.imencode(".jpg", grey, out);
      byte[] jpeg = new byte[(int) out.limit()];
      out.get(jpeg);

      try (Image image = decoder.decode(jpeg)) {
        assertThat(pixels(image)).containsOnly((byte) 128);
      }
    }
  }

  @Test
  void passesOverPaddingBeforeTheEndMarker() throws ImageException {
    byte[] whole = new Way(0x221111, false, 0, false).write(250, 131);
    byte[] padded = Arrays.copyOf(whole, whole.length + 30);
    Arrays.fill(padded, whole.length - 2, padded.length, (byte) 0);
    byte[] jpeg = closed(Arrays.copyOf(padded, padded.length - 2));

    assertThat(JpegScans.whole(jpeg)).isEqualTo(whole);
    assertThat(
            JpegScans.whole(
                concat(
                    Arrays.copyOf(whole, whole.length - 2),
                    "\r\n".getBytes(StandardCharsets.US_ASCII))))
        .isEqualTo(whole);
  }

  @Test
  void readsMotionJpegsWithoutTables() throws ImageException {
    byte[] whole = new Way(0x221111, false, 0, false).write(250, 131);
    byte[] bare = whole;
    while (start(bare, 0xC4, 0) >= 0) {
      int at = start(bare, 0xC4, 0);
      bare = without(bare, at, 2 + ByteBuffer.wrap(bare).getShort(at + 2));
    }

    try (Image expected = decoder.decode(whole);
        Image image = decoder.decode(bare)) {
      assertThat(pixels(image)).isEqualTo(pixels(expected));
    }
    byte[] half = closed(Arrays.copyOf(bare, bare.length / 2));
    assertThat(reason(half)).isEqualTo(Reason.CORRUPT_IMAGE);
  }

  @Test
  void refusesAColourWithoutItsScan() {
    byte[] whole = Golden.bytes("golden/images/progressive.jpg");
    int scan = start(whole, 0xDA, 0);
    int frame = start(whole, 0xC2, 0);
    byte[] sequential = whole.clone();
    sequential[frame + 1] = (byte) 0xC1;

    assertThat(reason(sequential)).isEqualTo(Reason.CORRUPT_IMAGE);
    assertThat(reason(closed(Arrays.copyOf(whole, scan)))).isEqualTo(Reason.CORRUPT_IMAGE);
  }

  @Test
  void refusesCodingsOfWhichItCannotTell() {
    byte[] arithmetic = new Way(0x221111, false, 0, false).write(50, 50);
    arithmetic[start(arithmetic, 0xC0, 0) + 1] = (byte) 0xC9;

    assertThat(reason(arithmetic)).isEqualTo(Reason.UNSUPPORTED_IMAGE);
  }

  /** Damage of any kind is an image or a refusal, and what is taken is as large as it says. */
  @Test
  void walksThroughAnyDamage() throws ImageException {
    Random random = new Random(5);
    byte[][] samples = ways().map(way -> way.write(97, 50)).toArray(byte[][]::new);
    for (int i = 0; i < 4000; i++) {
      byte[] damaged = samples[i % samples.length].clone();
      for (int n = random.nextInt(4); n >= 0; n--) {
        damaged[2 + random.nextInt(damaged.length - 2)] = (byte) random.nextInt();
      }
      try {
        assertThat(JpegScans.whole(damaged).length).isGreaterThan(2);
      } catch (ImageException e) {
        assertThat(e.reason()).isIn(Reason.CORRUPT_IMAGE, Reason.UNSUPPORTED_IMAGE);
      }
    }
  }

  @Test
  void refusesAPngWithoutItsLastRows() {
    byte[] png = encode(".png", 250, 131);
    int at = indexOf(png, "IDAT") - 4;
    int length = ByteBuffer.wrap(png).getInt(at);

    for (int kept : new int[] {length / 10, length / 2, length * 9 / 10, length - 100}) {
      ByteArrayOutputStream half = new ByteArrayOutputStream();
      half.write(png, 0, at);
      byte[] chunk = ByteBuffer.allocate(kept + 4).put(png, at + 4, kept + 4).array();
      CRC32 crc = new CRC32();
      crc.update(chunk);
      half.writeBytes(ByteBuffer.allocate(4).putInt(kept).array());
      half.writeBytes(chunk);
      half.writeBytes(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
      half.writeBytes(Arrays.copyOfRange(png, png.length - 12, png.length));

      assertThat(reason(half.toByteArray())).as("%d bytes", kept).isEqualTo(Reason.CORRUPT_IMAGE);
    }
  }

  @Test
  void refusesAWebpWhoseLengthsWereMadeToFit() {
    for (int quality : new int[] {80, 101}) { // above 100: lossless
      byte[] webp = encode(".webp", 250, 131, opencv_imgcodecs.IMWRITE_WEBP_QUALITY, quality);
      for (int percent : new int[] {10, 50, 90, 98}) {
        int length = webp.length * percent / 100 & ~1;
        byte[] half = Arrays.copyOf(webp, length);
        ByteBuffer.wrap(half).order(ByteOrder.LITTLE_ENDIAN).putInt(4, length - 8);
        ByteBuffer.wrap(half).order(ByteOrder.LITTLE_ENDIAN).putInt(16, length - 20);

        assertThat(reason(half)).as("%d, %d %%", quality, percent).isEqualTo(Reason.CORRUPT_IMAGE);
      }
    }
  }

  @Test
  void refusesABmpWithoutItsLastRows() {
    byte[] bmp = Golden.bytes("golden/images/photo.bmp");
    byte[] fields = Arrays.copyOf(bmp, bmp.length / 2);
    ByteBuffer.wrap(fields).order(ByteOrder.LITTLE_ENDIAN).putInt(30, 3);
    byte[] runs = Golden.bytes("golden/images/run-length.bmp");
    byte[] half = Arrays.copyOf(runs, 1078 + ((runs.length - 1078) / 2 & ~1));
    byte[] closedHalf = concat(half, new byte[] {0, 1});

    assertThat(reason(fields)).isEqualTo(Reason.CORRUPT_IMAGE);
    assertThat(reason(half)).isEqualTo(Reason.CORRUPT_IMAGE);
    assertThat(reason(closedHalf)).isEqualTo(Reason.CORRUPT_IMAGE);
  }

  /** A photo-like picture. */
  private static byte[] encode(String extension, int width, int height, int... parameters) {
    byte[] noise = new byte[12 * 8 * 3];
    new Random(3).nextBytes(noise);
    try (Mat small = new Mat(8, 12, opencv_core.CV_8UC3, new BytePointer(noise));
        Mat large = new Mat();
        Size size = new Size(width, height);
        BytePointer out = new BytePointer();
        IntPointer options = new IntPointer(parameters)) {
      opencv_imgproc.resize(small, large, size, 0, 0, opencv_imgproc.INTER_CUBIC);
      opencv_imgcodecs.imencode(extension, large, out, options);
      byte[] encoded = new byte[(int) out.limit()];
      out.get(encoded);
      return encoded;
    }
  }

  private static byte[] closed(byte[] cut) {
    return concat(cut, new byte[] {(byte) 0xFF, (byte) 0xD9});
  }

  private static byte[] concat(byte[] a, byte[] b) {
    byte[] both = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }

  private static byte[] without(byte[] bytes, int from, int length) {
    return concat(
        Arrays.copyOf(bytes, from), Arrays.copyOfRange(bytes, from + length, bytes.length));
  }

  private static int start(byte[] jpeg, int marker, int from) {
    for (int i = from; i + 1 < jpeg.length; i++) {
      if (jpeg[i] == (byte) 0xFF && (jpeg[i + 1] & 0xFF) == marker) {
        return i;
      }
    }
    return -1;
  }

  private static int indexOf(byte[] bytes, String text) {
    return new String(bytes, StandardCharsets.ISO_8859_1).indexOf(text);
  }

  private static Reason reason(byte[] encoded) {
    ImageException refused =
        catchThrowableOfType(ImageException.class, () -> decoder.decode(encoded).close());
    assertThat(refused).as("refusal").isNotNull();
    return refused.reason();
  }

  private static byte[] pixels(Image image) {
    byte[] pixels = new byte[3 * image.width() * image.height()];
    image.bgr().data().get(pixels);
    return pixels;
  }
}
