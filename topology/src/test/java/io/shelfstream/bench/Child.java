package io.shelfstream.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A JVM of its own, with the class path of this one; its errors go to a file. */
final class Child implements AutoCloseable {
  private final Process process;
  private final BufferedReader output;

  private Child(Process process) {
    this.process = process;
    this.output =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  /**
   * @param command options of the JVM, main class and arguments
   */
  static Child start(Path errors, String... command) throws IOException {
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    line.addAll(List.of("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    line.addAll(List.of("-cp", System.getProperty("java.class.path")));
    line.add("-Dshelfstream.home=" + System.getProperty("shelfstream.home"));
    line.addAll(List.of(command));
    Child child =
        new Child(
            new ProcessBuilder(line)
                .redirectError(ProcessBuilder.Redirect.appendTo(errors.toFile()))
                .start());
    // A bench that is ended leaves nothing behind.
    Runtime.getRuntime().addShutdownHook(new Thread(child.process::destroyForcibly));
    return child;
  }

  /** A broker in a process of its own, {@code host:port}. */
  static Child broker(Path data, Path errors) throws IOException {
    return start(errors, "io.shelfstream.Main", "broker", "--data", data.toString());
  }

  /** The next line of its standard output. */
  String line() throws IOException {
    String line = output.readLine();
    if (line == null) {
      throw new IOException("A child ended early; its errors are in the file that was printed");
    }
    return line;
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** {@code kill -9}. */
  void kill() throws InterruptedException {
    process.destroyForcibly();
    process.waitFor();
  }

  /** SIGTERM, then waits. */
  int stop() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(90, TimeUnit.SECONDS)) {
      throw new IllegalStateException("A child does not stop within 90 s of SIGTERM");
    }
    return process.exitValue();
  }

  /** STOP or CONT. */
  void signal(String name) throws IOException, InterruptedException {
    int code =
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
    if (code != 0) {
      throw new IOException("kill -" + name + " failed with " + code);
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
