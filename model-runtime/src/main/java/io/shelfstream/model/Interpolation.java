package io.shelfstream.model;

import org.bytedeco.opencv.global.opencv_imgproc;

/** How images are resized to a model's input. */
public enum Interpolation {
  LINEAR(opencv_imgproc.INTER_LINEAR),
  CUBIC(opencv_imgproc.INTER_CUBIC),
  /** The mean of all pixels that one of the input covers: nothing small is lost on the way down. */
  AREA(opencv_imgproc.INTER_AREA);

  private final int openCvCode;

  Interpolation(int openCvCode) {
    this.openCvCode = openCvCode;
  }

  /** OpenCV's number for it. */
  public int openCvCode() {
    return openCvCode;
  }
}
