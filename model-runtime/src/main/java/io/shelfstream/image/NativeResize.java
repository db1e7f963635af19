package io.shelfstream.image;

import java.io.IOException;
import java.io.InputStream;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The loops over every pixel of a model's input in vector instructions (src/main/cpp): resizing,
 * normalisation and layout in one pass, to the bits of {@link CubicResize}, which does the work
 * where this cannot be had.
 */
final class NativeResize {
  private static final Logger log = LoggerFactory.getLogger(NativeResize.class);
  private static final boolean AVAILABLE = load();

  private NativeResize() {}

  /** False on processors without AVX2 or NEON, and where the library cannot be loaded. */
  static boolean isAvailable() {
    return AVAILABLE;
  }

  /**
   * Cubic resizing, normalisation and layout.
   *
   * @param part with a box that {@link CubicResize#takes}
   * @param tables 3 × 256 values in the order of the tensor's channels
   * @param rgb whether these are red, green, blue, or the reverse
   * @param target direct, in native byte order; receives 3 × size × size values from {@code at} on
   */
  static void cubic(
      Image.Part part,
      CubicTaps across,
      CubicTaps down,
      float[] tables,
      boolean rgb,
      int size,
      FloatBuffer target,
      int at) {
    requireRoom(target, at, size);
    Mat bgr = part.bgr();
    PixelBox box = part.box();
    try (BytePointer first = bgr.ptr(box.y1(), box.x1())) {
      cubic(
          first.address(),
          bgr.step(),
          box.width(),
          box.height(),
          across.firsts(),
          across.weights(),
          down.firsts(),
          down.weights(),
          tables,
          rgb,
          size,
          target,
          at);
    }
  }

  /**
   * Normalisation and layout of an image of size × size; as {@link #cubic}.
   *
   * @param bgr 8 bits a channel
   */
  static void layOut(Mat bgr, float[] tables, boolean rgb, int size, FloatBuffer target, int at) {
    requireRoom(target, at, size);
    try (BytePointer first = bgr.data()) {
      layOut(first.address(), bgr.step(), tables, rgb, size, target, at);
    }
  }

  private static void requireRoom(FloatBuffer target, int at, int size) {
    long end = at + 3L * size * size;
    if (!target.isDirect() || at < 0 || end > target.capacity()) {
      throw new IllegalArgumentException(
          "expected a direct buffer of at least %d floats, got %s".formatted(end, target));
    }
  }

  private static boolean load() {
    String machine =
        System.getProperty("os.arch").equals("amd64") ? "x86_64" : System.getProperty("os.arch");
    String resource =
        "/native/%s-%s/libshelfstream_resize.so"
            .formatted(System.getProperty("os.name").toLowerCase(Locale.ROOT), machine);
    try (InputStream library = NativeResize.class.getResourceAsStream(resource)) {
      if (library == null) {
        log.atWarn()
            .addKeyValue("library", resource)
            .log("Images are resized in Java, some times slower: not built for this machine");
        return false;
      }
      loadCopy(library);
      return runsHere();
    } catch (IOException | UnsatisfiedLinkError e) {
      log.atWarn()
          .addKeyValue("library", resource)
          .addKeyValue("reason", e.getMessage())
          .log(
              "Images are resized in Java, some times slower: the library needs a temporary folder"
                  + " that allows execution (-Djava.io.tmpdir=DIR)");
      return false;
    }
  }

  /** Nothing is left behind, not even by a process that is killed. */
  private static void loadCopy(InputStream library) throws IOException {
    Path folder = Files.createTempDirectory("shelfstream-");
    Path copy = folder.resolve("libshelfstream_resize.so");
    try {
      Files.copy(library, copy);
      System.load(copy.toString());
    } finally {
      Files.deleteIfExists(copy);
      Files.deleteIfExists(folder);
    }
  }

  private static native boolean runsHere();

  private static native void cubic(
      long pixels,
      long step,
      int width,
      int height,
      int[] firstsAcross,
      float[] weightsAcross,
      int[] firstsDown,
      float[] weightsDown,
      float[] tables,
      boolean rgb,
      int size,
      FloatBuffer target,
      int at);

  private static native void layOut(
      long pixels, long step, float[] tables, boolean rgb, int size, FloatBuffer target, int at);
}
