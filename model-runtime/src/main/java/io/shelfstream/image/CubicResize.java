package io.shelfstream.image;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.jspecify.annotations.Nullable;

/**
 * Cubic resizing (a = -0.75, no antialias) to the bits of the reference, whose cv2 does it with
 * Intel's IPP: float32 weights and sums, rounded once at the end. The OpenCV we ship has no IPP and
 * computes in fixed point: 3 % of the values come out one level off. Weights and the order of the
 * sums were found by probing IPP 2022.2 on a CPU with AVX-512; a wrong order shows in about one
 * value of 100,000.
 */
final class CubicResize {
  private static final int CHANNELS = 3;
  private static final int TAPS = 4;
  private static final boolean FUSED = hasFusedMultiplyAdd();

  /** Added to a float below 2^22 it leaves the nearest integer, half to even, in the low bits. */
  private static final float ROUNDER = 0x1.8p23f;

  private final int size;
  private final float[] sums;
  private final float[][] recent; // rows resized across, by row modulo 4
  private final int[] held = new int[TAPS];
  private final float[][] four = new float[TAPS][];
  private final byte[] resized;
  private byte[] source = new byte[0];
  private @Nullable CubicTaps tapsAcross;
  private @Nullable CubicTaps tapsDown;

  /** Memory for one image at a time, used again and again. */
  CubicResize(int size) {
    this.size = size;
    this.sums = new float[CHANNELS * size];
    this.recent = new float[TAPS][CHANNELS * size];
    this.resized = new byte[CHANNELS * size];
  }

  /** False for images with a side below 4 pixels, which cv2 leaves to OpenCV's own code. */
  static boolean takes(PixelBox box) {
    return box.width() >= TAPS && box.height() >= TAPS;
  }

  /** Takes a row of the resized image: size × blue, green, red, valid during the call. */
  interface Rows {
    void accept(int y, byte[] bgr);
  }

  /**
   * Hands out the rows of the resized image, top to bottom.
   *
   * @param part with a box that {@link #takes}
   */
  void resize(Image.Part part, Rows rows) {
    PixelBox box = part.box();
    CubicTaps across = across(box);
    CubicTaps down = down(box);
    if (source.length != CHANNELS * box.width()) {
      source = new byte[CHANNELS * box.width()];
    }
    Arrays.fill(held, -1);
    for (int y = 0; y < size; y++) {
      for (int k = 0; k < TAPS; k++) {
        int row = down.source(y, k);
        int slot = row % TAPS;
        if (held[slot] != row) {
          read(part.bgr(), box.x1(), box.y1() + row, source);
          across(source, across, recent[slot]);
          held[slot] = row;
        }
        four[k] = recent[slot];
      }
      down(four, down, y, sums);
      round(sums, resized);
      rows.accept(y, resized);
    }
  }

  CubicTaps across(PixelBox box) {
    CubicTaps taps = CubicTaps.of(tapsAcross, box.width(), size);
    tapsAcross = taps;
    return taps;
  }

  CubicTaps down(PixelBox box) {
    CubicTaps taps = CubicTaps.of(tapsDown, box.height(), size);
    tapsDown = taps;
    return taps;
  }

  private static void read(Mat bgr, int x, int y, byte[] row) {
    try (BytePointer pixels = bgr.ptr(y, x)) {
      pixels.get(row);
    }
  }

  private void across(byte[] source, CubicTaps taps, float[] row) {
    int from = taps.firstInside();
    int to = taps.endInside();
    for (int x = 0; x < from; x++) {
      border(source, taps, x, row);
    }
    float[] weights = taps.weights();
    int[] firsts = taps.firsts();
    for (int x = from; x < to; x++) {
      float w0 = weights[TAPS * x];
      float w1 = weights[TAPS * x + 1];
      float w2 = weights[TAPS * x + 2];
      float w3 = weights[TAPS * x + 3];
      int i = CHANNELS * firsts[x];
      for (int c = 0; c < CHANNELS; c++) {
        float sum = (source[i + c] & 0xFF) * w0;
        sum = fma(source[i + c + CHANNELS] & 0xFF, w1, sum);
        sum = fma(source[i + c + 2 * CHANNELS] & 0xFF, w2, sum);
        row[CHANNELS * x + c] = fma(source[i + c + 3 * CHANNELS] & 0xFF, w3, sum);
      }
    }
    for (int x = to; x < size; x++) {
      border(source, taps, x, row);
    }
  }

  private static void border(byte[] source, CubicTaps taps, int x, float[] row) {
    for (int c = 0; c < CHANNELS; c++) {
      float even = product(source, taps, x, 0, c) + product(source, taps, x, 2, c);
      float odd = product(source, taps, x, 1, c) + product(source, taps, x, 3, c);
      row[CHANNELS * x + c] = even + odd;
    }
  }

  private static float product(byte[] source, CubicTaps taps, int x, int k, int channel) {
    return (source[CHANNELS * taps.source(x, k) + channel] & 0xFF) * taps.weight(x, k);
  }

  private static void down(float[][] rows, CubicTaps taps, int y, float[] sums) {
    float[] r0 = rows[0];
    float[] r1 = rows[1];
    float[] r2 = rows[2];
    float[] r3 = rows[3];
    float w0 = taps.weight(y, 0);
    float w1 = taps.weight(y, 1);
    float w2 = taps.weight(y, 2);
    float w3 = taps.weight(y, 3);
    for (int x = 0; x < sums.length; x++) {
      sums[x] = fma(r0[x], w0, r1[x] * w1) + fma(r2[x], w2, r3[x] * w3);
    }
  }

  private static void round(float[] sums, byte[] target) {
    for (int x = 0; x < sums.length; x++) {
      int nearest = Float.floatToRawIntBits(sums[x] + ROUNDER) - Float.floatToRawIntBits(ROUNDER);
      target[x] = (byte) Math.max(0, Math.min(255, nearest));
    }
  }

  /**
   * a × b + c, rounded once. Java's own takes microseconds where the CPU has no such instruction;
   * there float64 serves, in which the product is exact.
   */
  private static float fma(float a, float b, float c) {
    return FUSED ? Math.fma(a, b, c) : (float) ((double) a * b + c);
  }

  private static boolean hasFusedMultiplyAdd() {
    HotSpotDiagnosticMXBean vm = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
    try {
      return vm != null && vm.getVMOption("UseFMA").getValue().equals("true");
    } catch (IllegalArgumentException e) {
      return false; // another virtual machine, without that option
    }
  }
}
