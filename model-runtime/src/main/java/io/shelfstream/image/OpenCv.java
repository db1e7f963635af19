package io.shelfstream.image;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.opencv.global.opencv_imgproc;

/** Loads OpenCV's native libraries, once, with the settings that a long-running service needs. */
public final class OpenCv {
  static {
    // JavaCPP compares the memory of the whole process, models and index included, with twice the
    // Java heap and throws OutOfMemoryError beyond it. Ours is bounded by ImageLimits instead.
    System.setProperty("org.bytedeco.javacpp.maxbytes", "0");
    System.setProperty("org.bytedeco.javacpp.maxphysicalbytes", "0");
    Loader.load(opencv_core.class);
    Loader.load(opencv_imgproc.class);
    Loader.load(opencv_imgcodecs.class);
    // Whoever resizes images has several of them: one thread each beats all threads on one.
    opencv_core.setNumThreads(1);
  }

  private OpenCv() {}

  /** Makes sure that OpenCV is loaded; cheap after the first time. */
  public static void load() {
    // The work is in the static initialiser.
  }

  /**
   * Version and place of what is loaded, for people.
   *
   * @throws LinkageError when it cannot be loaded on this machine
   */
  public static String describe() {
    return opencv_core.CV_VERSION + ", from " + Loader.load(opencv_core.class);
  }
}
