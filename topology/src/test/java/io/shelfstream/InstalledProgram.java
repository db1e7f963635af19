package io.shelfstream;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Stream;

/** A program that is not ours: of the path, or of the folders where deploy/test puts some. */
public final class InstalledProgram {
  private InstalledProgram() {}

  /**
   * Finds it; the test is skipped where there is none.
   *
   * @param remedy what to do then
   * @param kept folders of deploy/test, below its own
   */
  public static Path find(String name, String remedy, String... kept) {
    String cache = System.getenv("XDG_CACHE_HOME");
    Path own =
        (cache == null || cache.isEmpty()
                ? Path.of(System.getProperty("user.home"), ".cache")
                : Path.of(cache))
            .resolve("shelfstream");
    Path found =
        Stream.concat(
                Stream.of(System.getenv("PATH").split(File.pathSeparator, -1)).map(Path::of),
                Arrays.stream(kept).map(own::resolve))
            .map(folder -> folder.resolve(name))
            .filter(Files::isExecutable)
            .findFirst()
            .orElse(null);
    assumeTrue(found != null, () -> "There is no program '%s': %s".formatted(name, remedy));
    return Objects.requireNonNull(found);
  }
}
