package io.shelfstream.image;

import java.util.function.Consumer;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * A decoded image, upright, 8 bits a channel. Its pixels are native memory: close it, and do not
 * touch them afterwards, as they serve the next image. Not to be closed while another thread uses
 * it.
 */
public final class Image implements AutoCloseable {
  private final Mat bgr;
  private final Consumer<Mat> giveBack;
  private boolean closed;

  /**
   * @param giveBack takes the pixels when the image is closed, once
   */
  Image(Mat bgr, Consumer<Mat> giveBack) {
    this.bgr = bgr;
    this.giveBack = giveBack;
  }

  /** Width in pixels after EXIF rotation. */
  public int width() {
    return bgr.cols();
  }

  /** Height in pixels after EXIF rotation. */
  public int height() {
    return bgr.rows();
  }

  /** Pixels as rows × columns × blue, green, red; read only, valid until {@link #close}. */
  public Mat bgr() {
    return bgr;
  }

  /** Idempotent. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      giveBack.accept(bgr);
    }
  }
}
