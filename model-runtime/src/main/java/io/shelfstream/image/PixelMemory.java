package io.shelfstream.image;

import java.util.concurrent.ArrayBlockingQueue;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Memory of decoded images, used again and again: frames of one camera have one size, and fresh
 * memory costs a page fault for every 4 KiB, a quarter of the time that decoding takes. Safe for
 * several threads.
 */
final class PixelMemory {
  /** Some 20 megapixels. Larger images are rare, and too much to keep for the next one. */
  private static final long LARGEST_KEPT = 64L << 20;

  private final ArrayBlockingQueue<Mat> free =
      new ArrayBlockingQueue<>(Runtime.getRuntime().availableProcessors());

  /** Of any size, or empty; {@link #give} takes it back. */
  Mat take() {
    Mat mat = free.poll();
    return mat == null ? new Mat() : mat;
  }

  void give(Mat mat) {
    if (mat.total() * mat.elemSize() > LARGEST_KEPT || !free.offer(mat)) {
      mat.close();
    }
  }
}
