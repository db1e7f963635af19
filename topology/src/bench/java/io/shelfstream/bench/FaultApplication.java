package io.shelfstream.bench;

import com.sun.net.httpserver.HttpServer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.ImageReference;
import io.shelfstream.recognition.Recognition;
import io.shelfstream.topology.BenchApplications;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * The service in a child JVM with a recogniser that only takes its time: 5 to 25 ms, the same for a
 * frame each time. While the file {@code bench.freeze} exists, it finishes nothing.
 */
final class FaultApplication {
  private static final ScheduledExecutorService TIMER = Executors.newScheduledThreadPool(1);

  private FaultApplication() {}

  /**
   * @param arguments settings, KEY=VALUE
   */
  public static void main(String[] arguments) throws Exception {
    Map<String, String> settings = new TreeMap<>();
    for (String argument : arguments) {
      int equals = argument.indexOf('=');
      settings.put(argument.substring(0, equals), argument.substring(equals + 1));
    }
    Path freeze = Path.of(System.getProperty("bench.freeze"));
    ShelfStreamConfig config = ShelfStreamConfig.load(null, settings);
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    BenchApplications.Running running =
        BenchApplications.recognition(
            config, registry, frame -> later(frame, freeze), () -> Runtime.getRuntime().halt(1));
    show(registry, config.http().port().orElseThrow());
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  running.close();
                  Runtime.getRuntime().halt(0);
                }));
    System.out.println("started");
  }

  private static void show(PrometheusMeterRegistry registry, int port) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    server.createContext(
        "/metrics",
        exchange -> {
          byte[] text = registry.scrape().getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, text.length);
          exchange.getResponseBody().write(text);
          exchange.close();
        });
    server.start();
  }

  private static CompletableFuture<Recognition> later(ImageReference frame, Path freeze) {
    CompletableFuture<Recognition> seen = new CompletableFuture<>();
    int ms = 5 + Math.floorMod((frame.getCameraId() + frame.getFrameId()).hashCode(), 20);
    TIMER.schedule(() -> finish(seen, freeze), ms, TimeUnit.MILLISECONDS);
    return seen;
  }

  private static void finish(CompletableFuture<Recognition> seen, Path freeze) {
    if (Files.exists(freeze)) {
      TIMER.schedule(() -> finish(seen, freeze), 20, TimeUnit.MILLISECONDS);
    } else {
      seen.complete(BenchApplications.nothing());
    }
  }
}
