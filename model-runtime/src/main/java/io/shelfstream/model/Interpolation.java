package io.shelfstream.model;

import org.bytedeco.opencv.global.opencv_imgproc;

/** How images are resized to a model's input. */
public enum Interpolation {
  LINEAR(opencv_imgproc.INTER_LINEAR),
  CUBIC(opencv_imgproc.INTER_CUBIC);

  private final int openCvCode;

  Interpolation(int openCvCode) {
    this.openCvCode = openCvCode;
  }

  /** OpenCV's number for it. */
  public int openCvCode() {
    return openCvCode;
  }
}
