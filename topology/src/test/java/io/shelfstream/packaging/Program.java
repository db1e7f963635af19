package io.shelfstream.packaging;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.shelfstream.InstalledProgram;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A program of the path, or of the folder where deploy/test puts it. */
final class Program {
  private final Path file;

  private Program(Path file) {
    this.file = file;
  }

  /** Skips the test where there is none. */
  static Program of(String name) {
    return new Program(
        InstalledProgram.find(name, "run deploy/test", "chart-tools", "chart-venv/bin"));
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
