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
   * Bytes that a caller may send of a stream (of HTTP/2) before they are read. All the streams of a
   * connection may be held back with so many, and those that are read go on beside them.
   */
  private static final int STREAM_WINDOW = 64 << 10;

  private static final int STREAMS_OF_A_CONNECTION = 100;

  /** Twice what all streams may fill: what was read is given back to a connection half by half. */
  private static final int CONNECTION_WINDOW = 2 * STREAMS_OF_A_CONNECTION * STREAM_WINDOW;

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
            .http2MaxStreamsPerConnection(STREAMS_OF_A_CONNECTION)
            .childChannelPipelineCustomizer(pipeline -> pipeline.addFirst(new NoUpgrade()))
            .meterRegistry(NoopMeterRegistry.get())
            .unloggedExceptionsReportInterval(Duration.ZERO) // Failures logs what is our fault
            .errorHandler(failures);
    routes.forEach(r -> r.addTo(builder));
    settings.token().ifPresent(token -> builder.decorator(new BearerToken(token)));
    builder.decorator(new OwnPagesOnly(settings.trustsThisMachine()));
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
