package io.shelfstream.camera;

import java.io.IOException;

/** Takes pictures as they are captured. */
interface PictureSink {
  /**
   * @param extension of a file of its format
   */
  void take(byte[] picture, String extension) throws IOException;
}
