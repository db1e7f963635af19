package io.shelfstream.config;

import io.shelfstream.model.OnnxRuntime;
import io.shelfstream.model.Provider;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Models and pictures that a checkout contains. The launcher names its folder, {@code deploy}, in
 * the system property {@code shelfstream.home}; started without it, nothing is bundled.
 */
public final class Bundled {
  private static final String HOME = "shelfstream.home";

  private Bundled() {}

  /**
   * The model directory when none is configured: int8 for the CPU, where it is twice as fast and as
   * good, float32 for a GPU.
   */
  static Optional<Path> models(Provider provider) {
    boolean gpu =
        switch (provider) {
          case CPU -> false;
          case CUDA, TENSORRT -> true;
          case AUTO -> OnnxRuntime.holdsCuda();
        };
    String directory = gpu ? "models/bundled" : "models/bundled-int8";
    return existing(directory + "/model.properties").map(Path::getParent);
  }

  /** Gallery file of the demo. */
  public static Optional<Path> demoGallery() {
    return existing("demo-data/gallery.tsv");
  }

  /** Folder with the frames of the demo. */
  public static Optional<Path> demoFrames() {
    return existing("demo-data/frames");
  }

  private static Optional<Path> existing(String relative) {
    @Nullable String home = System.getProperty(HOME);
    return Optional.ofNullable(home).map(h -> Path.of(h, relative)).filter(Files::exists);
  }
}
