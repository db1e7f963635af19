package io.shelfstream.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.server.ServerBuilder;
import io.shelfstream.streams.Lifecycle;
import io.shelfstream.streams.Lifecycle.State;

/**
 * Whether the process lives, has started and does its work, as Kubernetes asks for it: 200 or 503,
 * with the reasons as JSON.
 */
public final class HealthService implements Routes {
  private final ServiceStatus status;

  public HealthService(ServiceStatus status) {
    this.status = status;
  }

  @Override
  public void addTo(ServerBuilder server) {
    // Alive until it has failed: a restart would not mend what makes it wait.
    server
        .route()
        .get("/health/live")
        .build((c, r) -> answer(!status.lifecycle().is(State.FAILED)));
    server.route().get("/health/ready").build((c, r) -> answer(status.isReady()));
    server
        .route()
        .get("/health/startup")
        .build((c, r) -> answer(!status.lifecycle().is(State.STARTING)));
  }

  private HttpResponse answer(boolean isUp) {
    ObjectNode body = Answers.JSON.createObjectNode();
    body.put("status", isUp ? "up" : "down");
    body.put("state", status.lifecycle().state().name());
    body.put("reason", status.lifecycle().reason());
    ArrayNode parts = body.putArray("parts");
    for (Lifecycle part : status.parts()) {
      parts
          .addObject()
          .put("name", part.of())
          .put("state", part.state().name())
          .put("reason", part.reason());
    }
    ArrayNode readings = body.putArray("readings");
    for (ServiceStatus.Reading reading : status.readings()) {
      readings
          .addObject()
          .put("topic", reading.topic())
          .put("records", reading.records())
          .put("of", reading.of())
          .put("percent", percent(reading))
          .put("perSecond", Math.round(reading.perSecond()));
    }
    return Answers.json(isUp ? HttpStatus.OK : HttpStatus.SERVICE_UNAVAILABLE, body);
  }

  private static long percent(ServiceStatus.Reading reading) {
    return reading.of() == 0 ? 100 : Math.min(100, 100 * reading.records() / reading.of());
  }
}
