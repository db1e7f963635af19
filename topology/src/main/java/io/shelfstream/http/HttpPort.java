package io.shelfstream.http;

import com.linecorp.armeria.common.metric.NoopMeterRegistry;
import com.linecorp.armeria.common.util.Exceptions;
import com.linecorp.armeria.server.Route;
import com.linecorp.armeria.server.Server;
import com.linecorp.armeria.server.ServerBuilder;
import com.linecorp.armeria.server.ServiceConfig;
import io.shelfstream.config.HttpSettings;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP port of a process, open from the start of the process to its end, so that health can be
 * asked while models load and the gallery is read.
 */
public final class HttpPort implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(HttpPort.class);

  /** A request with its answer; beyond it a caller that sends byte by byte is cut off. */
  private static final Duration REQUEST = Duration.ofSeconds(60);

  /** Form and base64 around an image. */
  private static final double AROUND_AN_IMAGE = 1.5;

  /**
   * Bytes that are taken of a stream before they are read; a quarter of what is taken of its
   * connection, so that a stream that is held back leaves room to the others.
   */
  private static final int STREAM_WINDOW = 256 << 10;

  private static final int CONNECTION_WINDOW = 4 * STREAM_WINDOW;

  private final Server server;

  private HttpPort(Server server) {
    this.server = server;
  }

  /**
   * Opens the port.
   *
   * @param settings whose port is set
   * @param largestImage bytes
   * @throws IllegalStateException naming host and port when it cannot be bound
   */
  public static HttpPort open(HttpSettings settings, long largestImage, List<Routes> routes) {
    int port = settings.port().orElseThrow();
    Failures failures = new Failures();
    ServerBuilder builder =
        Server.builder()
            .http(new InetSocketAddress(settings.host(), port))
            .requestTimeout(REQUEST)
            .maxRequestLength((long) (largestImage * AROUND_AN_IMAGE) + 65_536)
            .http2InitialStreamWindowSize(STREAM_WINDOW)
            .http2InitialConnectionWindowSize(CONNECTION_WINDOW)
            .meterRegistry(NoopMeterRegistry.get())
            .unloggedExceptionsReportInterval(Duration.ZERO) // Failures logs what is our fault
            .errorHandler(failures);
    routes.forEach(r -> r.addTo(builder));
    settings.token().ifPresent(token -> builder.decorator(new BearerToken(token)));
    Server server = builder.build();
    failures.know(server);
    try {
      server.start().join();
    } catch (RuntimeException e) {
      Throwable cause = Exceptions.peel(e);
      throw new IllegalStateException(
          "http.port = %d on %s cannot be opened (%s); %s"
              .formatted(
                  port,
                  settings.host(),
                  cause.getMessage(),
                  String.valueOf(cause.getMessage()).contains("already in use")
                      ? "another process has it: give another port, or 0 for any that is free"
                      : "give another http.host or http.port"),
          e);
    }
    HttpPort opened = new HttpPort(server);
    log.atInfo().log("HTTP at http://{}:{}/", settings.host(), opened.port());
    return opened;
  }

  /** Methods and paths that it answers, such as {@code GET /metrics}. */
  Set<String> operations() {
    Set<String> operations = new TreeSet<>();
    for (ServiceConfig service : server.serviceConfigs()) {
      Route route = service.route();
      route.methods().forEach(method -> operations.add(method + " " + route.paths().get(0)));
    }
    return operations;
  }

  /** The port that it listens on. */
  public int port() {
    return server.activeLocalPort();
  }

  /** Answers what it has taken, within some seconds, and closes the port. */
  @Override
  public void close() {
    server.stop().join();
  }
}
