package io.shelfstream.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A program of its own: what it says, its CPU time and its memory, as the kernel counts. */
final class Program implements AutoCloseable {
  private static final double TICKS_A_SECOND = 100; // USER_HZ, fixed on Linux
  private static final Pattern PEAK = Pattern.compile("VmHWM:\\s+(\\d+) kB");
  private static final Pattern RESIDENT = Pattern.compile("VmRSS:\\s+(\\d+) kB");

  /** Long enough for a JVM to start on a machine that does much else. */
  private static final int STARTING = 300;

  private final Process process;
  private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
  private final ArrayDeque<String> last = new ArrayDeque<>();
  private final Thread reader;
  private long peakKib;

  /**
   * @param log of its standard error, written anew
   */
  Program(List<String> command, Path log) throws IOException {
    this(command, Redirect.to(log.toFile()));
  }

  private Program(List<String> command, Redirect errors) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("OMP_WAIT_POLICY", "PASSIVE");
    builder.redirectError(errors);
    process = builder.start();
    // A bench that is ended leaves nothing behind.
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
    reader = new Thread(this::read, "child-output");
    reader.setDaemon(true);
    reader.start();
  }

  /**
   * A small JVM with the class path of this one.
   *
   * @param errors goes on with what it says there
   * @param command options of the JVM, main class and arguments
   */
  static Program java(Path errors, String... command) throws IOException {
    return java(List.of(), errors, command);
  }

  /**
   * The same elsewhere.
   *
   * @param prefix a command that becomes the one behind it, such as that of {@link Network.Host}
   */
  static Program java(List<String> prefix, Path errors, String... command) throws IOException {
    List<String> line = new ArrayList<>(prefix);
    line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    line.addAll(List.of("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    line.addAll(List.of("-cp", System.getProperty("java.class.path")));
    line.add("-Dshelfstream.home=" + System.getProperty("shelfstream.home"));
    line.addAll(List.of(command));
    return new Program(line, Redirect.appendTo(errors.toFile()));
  }

  /** A broker in a process of its own; its first line is {@code host:port}. */
  static Program broker(Path data, Path errors) throws IOException {
    return java(errors, "io.shelfstream.Main", "broker", "--data", data.toString());
  }

  private void read() {
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        lines.add(line);
        last.add(line);
      }
    } catch (IOException e) {
      // It has ended.
    }
  }

  /** The first line of its standard output, which says that it has started. */
  String line() throws InterruptedException {
    return line(STARTING);
  }

  /** The next line of its standard output. */
  String line(long seconds) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    while (System.nanoTime() < end) {
      String line = lines.poll(100, TimeUnit.MILLISECONDS);
      if (line != null) {
        return line;
      }
      if (!reader.isAlive() && lines.isEmpty()) {
        throw new IllegalStateException("A child ended early; see its log");
      }
    }
    throw new IllegalStateException("A child said nothing for " + seconds + " s; see its log");
  }

  /**
   * Waits until the service that it is says that it is ready.
   *
   * @param log of its standard error, at level INFO
   */
  void awaitReady(Path log) throws IOException, InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(STARTING);
    while (!Files.readString(log).contains("The service is ready")) {
      if (!isAlive() || System.nanoTime() > end) {
        throw new IllegalStateException("The service did not become ready; see " + log);
      }
      TimeUnit.MILLISECONDS.sleep(200);
    }
  }

  /** Waits for its end; all it said. */
  List<String> output() throws InterruptedException {
    while (!process.waitFor(20, TimeUnit.MILLISECONDS)) {
      peakMib();
    }
    reader.join();
    if (process.exitValue() != 0) {
      throw new IllegalStateException("A child ended with " + process.exitValue());
    }
    return List.copyOf(last);
  }

  boolean isAlive() {
    return process.isAlive();
  }

  long pid() {
    return process.pid();
  }

  /** {@code kill -9}. */
  void kill() throws InterruptedException {
    process.destroyForcibly();
    process.waitFor();
  }

  /** SIGTERM, then waits; the exit code. */
  int stop() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(90, TimeUnit.SECONDS)) {
      throw new IllegalStateException("A child does not stop within 90 s of SIGTERM");
    }
    return process.exitValue();
  }

  /** Waits for its end by itself; the exit code. */
  int exitCode() throws InterruptedException {
    return process.waitFor();
  }

  /** STOP or CONT. */
  void signal(String name) throws IOException, InterruptedException {
    int code =
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
    if (code != 0) {
      throw new IOException("kill -" + name + " failed with " + code);
    }
  }

  double cpuSeconds() {
    try {
      return cpuSeconds(Path.of("/proc/" + process.pid() + "/stat"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** CPU seconds of its living threads, added up by what they are called. */
  Map<String, Double> cpuByThread() {
    Map<String, Double> seconds = new TreeMap<>();
    try (Stream<Path> tasks = Files.list(Path.of("/proc/" + process.pid() + "/task"))) {
      for (Path task : tasks.toList()) {
        add(task, seconds);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return seconds;
  }

  private static void add(Path task, Map<String, Double> seconds) {
    try {
      String name = Files.readString(task.resolve("comm")).strip();
      seconds.merge(name, cpuSeconds(task.resolve("stat")), Double::sum);
    } catch (IOException e) {
      // It has just ended, and took its share with it.
    }
  }

  private static double cpuSeconds(Path file) throws IOException {
    String stat = Files.readString(file);
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_A_SECOND;
  }

  /** The most it was resident with; of its last look when it has ended. */
  double peakMib() {
    peakKib = Math.max(peakKib, kib(PEAK));
    return peakKib / 1024.0;
  }

  /** What it is resident with; 0 when it has ended. */
  double residentMib() {
    return kib(RESIDENT) / 1024.0;
  }

  private long kib(Pattern figure) {
    try {
      Matcher found =
          figure.matcher(Files.readString(Path.of("/proc/" + process.pid() + "/status")));
      return found.find() ? Long.parseLong(found.group(1)) : 0;
    } catch (IOException e) {
      return 0; // it has just ended
    }
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(40, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
