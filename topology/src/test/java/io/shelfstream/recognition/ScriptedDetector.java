package io.shelfstream.recognition;

import io.shelfstream.detect.Detection;
import io.shelfstream.detect.Detector;
import io.shelfstream.image.Image;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Finds what the test says, or fails as it says: the real detector needs a model. */
public final class ScriptedDetector implements Detector {
  public List<Detection> found = List.of();
  public @Nullable RuntimeException failure;

  @Override
  public List<List<Detection>> detect(List<Image> images) {
    if (failure != null) {
      throw failure;
    }
    return images.stream().map(image -> found).toList();
  }

  @Override
  public void close() {}
}
