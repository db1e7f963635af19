package io.shelfstream.image;

import java.nio.FloatBuffer;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Size;

/**
 * Writes a part of an image as a model's input: resized to S × S without keeping the aspect,
 * normalised, float32, channels first. A channel has 256 values, so normalising is a table; the
 * table holds exactly the roundings of the reference. Safe for several threads.
 */
public final class InputTensor {
  private static final int CHANNELS = 3;
  private static final int LEVELS = 256;

  private final int size;
  private final int interpolation;
  private final boolean rgb;
  private final float[] tables; // 256 values a channel, in the order of the tensor's channels
  private final ConcurrentLinkedQueue<Scratch> free = new ConcurrentLinkedQueue<>();

  private InputTensor(int size, int interpolation, boolean rgb, float[] tables) {
    this.size = size;
    this.interpolation = interpolation;
    this.rgb = rgb;
    this.tables = tables;
  }

  /**
   * As the reference's detector wants it: float32(v) / 255, then minus mean and divided by std,
   * each computed in float64 and stored as float32.
   *
   * @param interpolation OpenCV's code
   */
  public static InputTensor ofDetector(
      int size, int interpolation, boolean rgb, List<Double> mean, List<Double> std) {
    float[] tables = new float[CHANNELS * LEVELS];
    for (int c = 0; c < CHANNELS; c++) {
      for (int v = 0; v < LEVELS; v++) {
        float centred = (float) (v / 255f - mean.get(c));
        tables[c * LEVELS + v] = (float) (centred / std.get(c));
      }
    }
    return new InputTensor(size, interpolation, rgb, tables);
  }

  /** As the reference's extractor wants it: (v × float32(1/255) − mean) / std, all in float32. */
  public static InputTensor ofExtractor(
      int size, int interpolation, boolean rgb, List<Double> mean, List<Double> std) {
    float scale = (float) (1.0 / 255);
    float[] tables = new float[CHANNELS * LEVELS];
    for (int c = 0; c < CHANNELS; c++) {
      for (int v = 0; v < LEVELS; v++) {
        tables[c * LEVELS + v] = (v * scale - mean.get(c).floatValue()) / std.get(c).floatValue();
      }
    }
    return new InputTensor(size, interpolation, rgb, tables);
  }

  /** Floats of one image: 3 × S × S. */
  public int floats() {
    return CHANNELS * size * size;
  }

  /**
   * Writes one image.
   *
   * @param box part of it, inside and not empty
   * @param target receives {@link #floats} values from {@code at} on
   */
  public void write(Image image, PixelBox box, FloatBuffer target, int at) {
    write(image, box, target, at, NativeResize.isAvailable());
  }

  /** The same bits either way. */
  void write(Image image, PixelBox box, FloatBuffer target, int at, boolean natively) {
    Scratch scratch = free.poll();
    if (scratch == null) {
      scratch = new Scratch(size);
    }
    Image.Part part = image.part(box, size);
    boolean cubic = interpolation == opencv_imgproc.INTER_CUBIC && CubicResize.takes(part.box());
    if (!cubic) {
      resize(part, scratch.resized);
    }
    if (natively) {
      writeNatively(part, cubic, scratch, target, at);
    } else {
      writeInJava(part, cubic, scratch, target, at);
    }
    free.add(scratch); // not after a failure: it may be half written
  }

  /** Memory for one image at a time: as many as threads that write at a time. */
  private static final class Scratch {
    final CubicResize cubic;
    final Mat resized = new Mat();
    final byte[] row;
    final float[] plane;

    Scratch(int size) {
      cubic = new CubicResize(size);
      row = new byte[CHANNELS * size];
      plane = new float[size];
    }
  }

  private void resize(Image.Part part, Mat resized) {
    PixelBox box = part.box();
    try (Rect rect = new Rect(box.x1(), box.y1(), box.width(), box.height());
        Mat source = new Mat(part.bgr(), rect);
        Size square = new Size(size, size)) {
      opencv_imgproc.resize(source, resized, square, 0, 0, interpolation);
    }
  }

  private void writeNatively(
      Image.Part part, boolean cubic, Scratch scratch, FloatBuffer target, int at) {
    if (cubic) {
      CubicTaps across = scratch.cubic.across(part.box());
      CubicTaps down = scratch.cubic.down(part.box());
      NativeResize.cubic(part, across, down, tables, rgb, size, target, at);
    } else {
      NativeResize.layOut(scratch.resized, tables, rgb, size, target, at);
    }
  }

  private void writeInJava(
      Image.Part part, boolean cubic, Scratch scratch, FloatBuffer target, int at) {
    if (cubic) {
      scratch.cubic.resize(part, (y, bgr) -> write(bgr, y, scratch.plane, target, at));
      return;
    }
    for (int y = 0; y < size; y++) {
      try (BytePointer pixels = scratch.resized.ptr(y)) {
        pixels.get(scratch.row);
      }
      write(scratch.row, y, scratch.plane, target, at);
    }
  }

  /** Colour, normalisation and layout of one row. */
  private void write(byte[] bgr, int y, float[] plane, FloatBuffer target, int at) {
    for (int c = 0; c < CHANNELS; c++) {
      int i = rgb ? CHANNELS - 1 - c : c;
      for (int x = 0; x < plane.length; x++, i += CHANNELS) {
        plane[x] = tables[c * LEVELS + (bgr[i] & 0xFF)];
      }
      target.put(at + (c * size + y) * size, plane);
    }
  }
}
