package io.shelfstream.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A program of its own: what it says, its CPU time and its peak memory, as the kernel counts. */
final class Program implements AutoCloseable {
  private static final double TICKS_A_SECOND = 100; // USER_HZ, fixed on Linux
  private static final Pattern PEAK = Pattern.compile("VmHWM:\\s+(\\d+) kB");

  private final Process process;
  private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
  private final ArrayDeque<String> last = new ArrayDeque<>();
  private final Thread reader;
  private long peakKib;

  Program(List<String> command, Path log) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("OMP_WAIT_POLICY", "PASSIVE");
    builder.redirectError(log.toFile());
    process = builder.start();
    reader = new Thread(this::read, "child-output");
    reader.setDaemon(true);
    reader.start();
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

  /** The next line of its standard output. */
  String line(long seconds) throws InterruptedException {
    String line = lines.poll(seconds, TimeUnit.SECONDS);
    if (line == null) {
      throw new IllegalStateException("A child said nothing for " + seconds + " s; see its log");
    }
    return line;
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

  double peakMib() {
    try {
      Matcher peak = PEAK.matcher(Files.readString(Path.of("/proc/" + process.pid() + "/status")));
      if (peak.find()) {
        peakKib = Math.max(peakKib, Long.parseLong(peak.group(1)));
      }
    } catch (IOException e) {
      // It has just ended: the last figure stands.
    }
    return peakKib / 1024.0;
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
