package io.shelfstream.http;

import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.util.Exceptions;
import com.linecorp.armeria.server.Server;
import com.linecorp.armeria.server.ServerBuilder;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.shelfstream.config.HttpSettings;
import io.shelfstream.metrics.ServiceMetrics;
import java.net.InetSocketAddress;
import java.time.Duration;
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

  private final Server server;

  private HttpPort(Server server) {
    this.server = server;
  }

  /**
   * What the port needs of the process.
   *
   * @param version of the program, and config as it is used, without secrets: shown as they are
   * @param largestImage bytes
   * @param imagesInHand images that callers may have in hand at a time
   */
  public record Process(
      ServiceStatus status,
      ImageAnswers images,
      String version,
      String config,
      long largestImage,
      int imagesInHand) {}

  /**
   * Opens the port.
   *
   * @param settings whose port is set
   * @throws IllegalStateException naming host and port when it cannot be bound
   */
  public static HttpPort open(
      HttpSettings settings,
      Process process,
      ServiceMetrics metrics,
      PrometheusMeterRegistry registry) {
    int port = settings.port().orElseThrow();
    ServerBuilder builder =
        Server.builder()
            .http(new InetSocketAddress(settings.host(), port))
            .requestTimeout(REQUEST)
            .maxRequestLength((long) (process.largestImage() * AROUND_AN_IMAGE) + 65_536);
    new HealthService(process.status()).addTo(builder);
    builder
        .service("/version", (c, r) -> text(process.version() + "\n"))
        .service("/config", (c, r) -> text(process.config() + "\n"))
        .service(
            "/metrics",
            (c, r) ->
                HttpResponse.of(
                    HttpStatus.OK,
                    MediaType.parse("text/plain; version=0.0.4; charset=utf-8"),
                    registry.scrape()))
        .service(
            "/api/recognize",
            new RecognizeService(
                process.images(), process.status(), metrics, process.imagesInHand()));
    settings.token().ifPresent(token -> builder.decorator(new BearerToken(token)));
    Server server = builder.build();
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

  private static HttpResponse text(String text) {
    return HttpResponse.of(HttpStatus.OK, MediaType.PLAIN_TEXT_UTF_8, text);
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
