package io.shelfstream.packaging;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A program of the path, or of the folder where deploy/test puts it. */
final class Program {
  private final Path file;

  private Program(Path file) {
    this.file = file;
  }

  /** Skips the test where there is none. */
  static Program of(String name) {
    String cache = System.getenv("XDG_CACHE_HOME");
    Path kept =
        (cache == null || cache.isEmpty()
                ? Path.of(System.getProperty("user.home"), ".cache")
                : Path.of(cache))
            .resolve("shelfstream");
    Path found =
        Stream.concat(
                Stream.of(System.getenv("PATH").split(File.pathSeparator, -1)).map(Path::of),
                Stream.of(kept.resolve("chart-tools"), kept.resolve("chart-venv/bin")))
            .map(folder -> folder.resolve(name))
            .filter(Files::isExecutable)
            .findFirst()
            .orElse(null);
    assumeTrue(found != null, "There is no program '%s': run deploy/test".formatted(name));
    return new Program(found);
  }

  /** What it printed on both streams, and its exit code. */
  record Answer(int code, String text) {}

  Answer run(Path folder, String... arguments) throws IOException, InterruptedException {
    return run(folder, Map.of(), arguments);
  }

  Answer run(Path folder, Map<String, String> environment, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(file.toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
    builder.environment().putAll(environment);
    Process run = builder.start();
    String text = new String(run.getInputStream().readAllBytes(), UTF_8);
    return new Answer(run.waitFor(), text);
  }
}
