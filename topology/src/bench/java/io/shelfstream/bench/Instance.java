package io.shelfstream.bench;

import io.shelfstream.metrics.Metric;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One ShelfStream on a host of its own, started from a release as people start it. */
final class Instance implements AutoCloseable {
  static final int PORT = 8080;

  /** Of the Java heap: less than by default, as three of them and three brokers are here. */
  private static final String HEAP = "384m";

  private static final Duration STARTING = Duration.ofMinutes(3);

  private final String name;
  private final Network.Host host;
  private final Path config;
  private final Path logs;
  private int starts;
  private @Nullable Program process;

  /**
   * @param name of its logs, one for each start
   * @param config for {@code run --config}, with {@code http.port} {@link #PORT}
   */
  Instance(String name, Network.Host host, Path config, Path logs) {
    this.name = name;
    this.host = host;
    this.config = config;
    this.logs = logs;
  }

  String name() {
    return name;
  }

  Network.Host host() {
    return host;
  }

  /**
   * @param release the folder of an unpacked one
   */
  void start(Path release) throws IOException {
    List<String> command = new ArrayList<>(host.prefix());
    command.addAll(List.of("env", "-u", "JAVA_OPTS", "SHELFSTREAM_HEAP=" + HEAP));
    command.add(release.resolve("bin/shelfstream").toString());
    command.addAll(List.of("run", "--config", config.toString()));
    starts++;
    process = new Program(command, log());
  }

  Path log() {
    return logs.resolve(name + "-" + starts + ".log");
  }

  private Program process() {
    return Objects.requireNonNull(process, name + " was not started");
  }

  boolean isAlive() {
    return process().isAlive();
  }

  double residentMib() {
    return process().residentMib();
  }

  /** SIGTERM; the exit code. */
  int stop() throws InterruptedException {
    return process().stop();
  }

  /** Waits for its end by itself; the exit code. */
  int exitCode() throws InterruptedException {
    return process().exitCode();
  }

  /** Whether {@code /health/ready} says so, asked from outside. */
  boolean isReady() throws InterruptedException {
    try {
      return Scrape.get(address(), "/health/ready").statusCode() == 200;
    } catch (IOException e) {
      return false; // it does not listen yet, or it cannot be reached
    }
  }

  /** Seconds until it is ready. */
  double awaitReady() throws InterruptedException {
    long start = System.nanoTime();
    while (!isReady()) {
      if (!isAlive() || System.nanoTime() - start > STARTING.toNanos()) {
        throw new IllegalStateException(name + " did not become ready; see " + log());
      }
      TimeUnit.MILLISECONDS.sleep(100);
    }
    return (System.nanoTime() - start) / 1e9;
  }

  /**
   * What {@code bin/health} of its release answers on its own host, which needs no network.
   *
   * @param release the folder of an unpacked one
   */
  boolean saysReadyAtHome(Path release) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(host.prefix());
    command.add("env");
    command.add("SHELFSTREAM_HTTP_PORT=" + PORT);
    command.addAll(List.of(release.resolve("bin/health").toString(), "ready"));
    return new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start()
            .waitFor()
        == 0;
  }

  String version() throws IOException, InterruptedException {
    return Scrape.get(address(), "/version").body().strip();
  }

  double metric(Metric metric) throws IOException, InterruptedException {
    return Scrape.of(address()).sum(metric);
  }

  String address() {
    return host.address() + ":" + PORT;
  }

  @Override
  public void close() {
    if (process != null) {
      process.close();
    }
  }
}
