package io.shelfstream.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** The Python wheel of Faiss in a process of its own; see deploy/bench.d/gallery.py. */
final class Peer implements AutoCloseable {

  private final Process process;
  private final PrintStream commands;
  private final BufferedReader answers;

  Peer(String python, Path script, Path folder) throws IOException {
    process =
        new ProcessBuilder(List.of(python, script.toString(), folder.toString()))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    commands = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
    answers =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  /** Sends a command and waits for its one line. */
  String ask(String command) throws IOException {
    commands.println(command);
    String answer = answers.readLine();
    if (answer == null) {
      throw new IOException("the peer ended at: " + command);
    }
    return answer;
  }

  @Override
  public void close() {
    commands.close();
    process.destroy();
  }
}
