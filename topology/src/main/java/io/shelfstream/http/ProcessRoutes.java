package io.shelfstream.http;

import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.server.ServerBuilder;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;

/**
 * What the process tells of itself: {@code /metrics}, {@code /version}, {@code /config}.
 *
 * @param version of the program
 * @param config as it is used, without secrets: shown as it is
 */
public record ProcessRoutes(PrometheusMeterRegistry registry, String version, String config)
    implements Routes {
  private static final MediaType PROMETHEUS =
      MediaType.parse("text/plain; version=0.0.4; charset=utf-8");

  @Override
  public void addTo(ServerBuilder server) {
    server
        .route()
        .get("/version")
        .build((c, r) -> text(version + "\n"))
        .route()
        .get("/config")
        .build((c, r) -> text(config + "\n"))
        .route()
        .get("/metrics")
        .build((c, r) -> HttpResponse.of(HttpStatus.OK, PROMETHEUS, registry.scrape()));
  }

  private static HttpResponse text(String text) {
    return HttpResponse.of(HttpStatus.OK, MediaType.PLAIN_TEXT_UTF_8, text);
  }
}
