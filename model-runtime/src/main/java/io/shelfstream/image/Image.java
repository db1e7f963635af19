package io.shelfstream.image;

import org.bytedeco.opencv.opencv_core.Mat;

/**
 * A decoded image, upright, 8 bits a channel. Its pixels are native memory: close it. Not to be
 * closed while another thread uses it.
 */
public final class Image implements AutoCloseable {
  private final Mat bgr;

  Image(Mat bgr) {
    this.bgr = bgr;
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

  @Override
  public void close() {
    bgr.close();
  }
}
