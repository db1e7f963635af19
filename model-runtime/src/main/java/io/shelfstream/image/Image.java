package io.shelfstream.image;

import java.util.function.Consumer;
import java.util.function.Supplier;
import org.bytedeco.opencv.opencv_core.Mat;
import org.jspecify.annotations.Nullable;

/**
 * A decoded image, upright, 8 bits a channel. It may have been decoded at a reduced scale; then its
 * size and all boxes are those of the full image nevertheless, and what needs more detail is
 * decoded fully when it is asked for. Its pixels are native memory: close it, and do not touch them
 * afterwards, as they serve the next image. For one thread at a time.
 */
public final class Image implements AutoCloseable {
  private final int width;
  private final int height;
  private final int reduction;
  private final @Nullable Mat reduced;
  private final Supplier<Mat> decodeFully;
  private final Consumer<Mat> giveBack;
  private @Nullable Mat full;
  private boolean closed;

  /**
   * @param giveBack takes the pixels when the image is closed, once
   */
  Image(Mat full, Consumer<Mat> giveBack) {
    this.width = full.cols();
    this.height = full.rows();
    this.reduction = 1;
    this.reduced = null;
    this.full = full;
    this.decodeFully = () -> full;
    this.giveBack = giveBack;
  }

  /**
   * @param width of the full image, as height
   * @param reduction full pixels for one of those that are there, along each side
   * @param decodeFully called once, if at all
   */
  Image(
      int width,
      int height,
      Mat reduced,
      int reduction,
      Supplier<Mat> decodeFully,
      Consumer<Mat> giveBack) {
    this.width = width;
    this.height = height;
    this.reduced = reduced;
    this.reduction = reduction;
    this.decodeFully = decodeFully;
    this.giveBack = giveBack;
  }

  /** Width in pixels after EXIF rotation. */
  public int width() {
    return width;
  }

  /** Height in pixels after EXIF rotation. */
  public int height() {
    return height;
  }

  /** All of it. */
  public PixelBox box() {
    return new PixelBox(0, 0, width, height);
  }

  /** Pixels as rows × columns × blue, green, red; read only, valid until {@link #close}. */
  public Mat bgr() {
    if (full == null) {
      full = decodeFully.get();
    }
    return full;
  }

  /** Pixels and the place in them. */
  record Part(Mat bgr, PixelBox box) {}

  /**
   * A part of the image in pixels that have enough detail: the reduced ones where there it is no
   * smaller than the model's input.
   *
   * @param box inside the image and not empty
   * @param side of the model's input, in pixels
   */
  Part part(PixelBox box, int side) {
    if (reduced == null || Math.min(box.width(), box.height()) < (long) side * reduction) {
      return new Part(bgr(), box);
    }
    return new Part(
        reduced,
        new PixelBox(
            box.x1() / reduction,
            box.y1() / reduction,
            Math.min(reduced.cols(), Math.round(box.x2() / (float) reduction)),
            Math.min(reduced.rows(), Math.round(box.y2() / (float) reduction))));
  }

  /** Idempotent. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (reduced != null) {
      giveBack.accept(reduced);
    }
    if (full != null) {
      giveBack.accept(full);
    }
  }
}
