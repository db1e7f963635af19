package io.shelfstream.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.linecorp.armeria.common.AggregatedHttpRequest;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.server.ServerBuilder;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.shelfstream.http.RefusedException.Kind;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import java.util.regex.Pattern;

/** {@code /api/dead-letters}: counts and shows dead letters, and redrives them. */
public final class DeadLettersService implements Routes {
  private static final Pattern PLACE = Pattern.compile("[0-9]{1,9}-[0-9]{1,18}");

  private final DeadLetterAccess letters;
  private final Semaphore oneAtATime = new Semaphore(1);

  public DeadLettersService(DeadLetterAccess letters) {
    this.letters = letters;
  }

  @Override
  public void addTo(ServerBuilder server) {
    server
        .route()
        .get("/api/dead-letters")
        .build((context, request) -> answer(context, request, whole -> list()))
        .route()
        .post("/api/dead-letters/redrive")
        .build(
            (context, request) -> {
              context.clearRequestTimeout(); // there may be many
              return answer(context, request, this::redrive);
            });
  }

  private static HttpResponse answer(
      ServiceRequestContext context,
      HttpRequest request,
      Function<AggregatedHttpRequest, HttpResponse> call) {
    return HttpResponse.of(
        request.aggregate().thenApplyAsync(call, context.blockingTaskExecutor()));
  }

  private HttpResponse list() {
    DeadLetterAccess.Letters now = letters.letters();
    ObjectNode body =
        Answers.JSON
            .createObjectNode()
            .put("since", now.since().toString())
            .put("reading", now.reading());
    body.set("counts", counts(now.counts()));
    ArrayNode newest = body.putArray("newest");
    for (DeadLetterAccess.Letter letter : now.newest()) {
      newest
          .addObject()
          .put("place", letter.place())
          .put("at", letter.at().toString())
          .put("reason", letter.reason())
          .put("message", letter.message())
          .put("stage", letter.stage())
          .put("source", letter.source())
          .put("key", letter.key())
          .put("attempt", letter.attempt())
          .put("redriven", letter.redriven());
    }
    return Answers.json(HttpStatus.OK, body);
  }

  private static ObjectNode counts(Map<String, Integer> counts) {
    ObjectNode shown = Answers.JSON.createObjectNode();
    counts.forEach(shown::put);
    return shown;
  }

  private HttpResponse redrive(AggregatedHttpRequest request) {
    JsonNode wanted = json(request);
    Optional<String> reason = text(wanted, "reason");
    Optional<String> place = text(wanted, "place");
    if (reason.isPresent() == place.isPresent()) {
      throw RefusedException.badRequest(
          "Give either {\"reason\": \"FETCH_TIMEOUT\"} or {\"place\": \"PARTITION-OFFSET\"}");
    }
    if (place.filter(text -> !PLACE.matcher(text).matches()).isPresent()) {
      throw RefusedException.badRequest(
          "place = '%s' is refused; give partition and offset as 0-4711"
              .formatted(place.orElseThrow()));
    }
    if (!oneAtATime.tryAcquire()) {
      throw new RefusedException(
          Kind.FULL, "TOO_MANY_REQUESTS", "Dead letters are being redriven; come again");
    }
    try {
      DeadLetterAccess.Redriven done = letters.redrive(reason, place);
      ObjectNode body = Answers.JSON.createObjectNode();
      body.set("redriven", counts(done.redriven()));
      body.set("left", counts(done.left()));
      return Answers.json(HttpStatus.OK, body);
    } finally {
      oneAtATime.release();
    }
  }

  private static JsonNode json(AggregatedHttpRequest request) {
    try {
      JsonNode body = Answers.JSON.readTree(request.content().array());
      if (body != null && body.isObject()) {
        return body;
      }
    } catch (IOException e) {
      // Said below.
    }
    throw RefusedException.badRequest("The body must be a JSON object");
  }

  private static Optional<String> text(JsonNode object, String name) {
    JsonNode value = object.get(name);
    if (value == null || value.isNull()) {
      return Optional.empty();
    }
    if (!value.isTextual() || value.textValue().isBlank()) {
      throw RefusedException.badRequest(name + " must be a text that is not empty");
    }
    return Optional.of(value.textValue());
  }
}
