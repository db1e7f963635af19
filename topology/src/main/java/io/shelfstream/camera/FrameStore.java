package io.shelfstream.camera;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;

/** Where frames are kept. Methods may also throw exceptions of the store's client. */
interface FrameStore extends AutoCloseable {
  /**
   * Stores a picture; once more is the same as once.
   *
   * @return its reference
   */
  String put(String name, String extension, Path picture) throws IOException;

  /**
   * Deletes frames of this camera.
   *
   * @param before taken before this time
   * @param oldestWaiting name of the first that is not published yet and stays, as do those after
   *     it; empty: none waits
   * @return how many there were
   */
  int deleteOlder(Instant before, String oldestWaiting) throws IOException;

  @Override
  default void close() {}

  /** Whether a stored frame is to be deleted. */
  static boolean isOlder(String path, Instant before, String oldestWaiting) {
    return FrameName.ofPath(path)
        .filter(name -> oldestWaiting.isEmpty() || name.compareTo(oldestWaiting) < 0)
        .filter(name -> FrameName.time(name).isBefore(before))
        .isPresent();
  }
}
