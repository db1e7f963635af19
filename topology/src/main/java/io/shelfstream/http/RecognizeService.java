package io.shelfstream.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.linecorp.armeria.common.AggregatedHttpRequest;
import com.linecorp.armeria.common.ContentTooLargeException;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.multipart.AggregatedBodyPart;
import com.linecorp.armeria.common.multipart.MimeParsingException;
import com.linecorp.armeria.common.util.SafeCloseable;
import com.linecorp.armeria.server.AbstractHttpService;
import com.linecorp.armeria.server.HttpStatusException;
import com.linecorp.armeria.server.RequestTimeoutException;
import com.linecorp.armeria.server.ServerBuilder;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.shelfstream.events.Candidate;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognizedObject;
import io.shelfstream.image.ImageLimits;
import io.shelfstream.recognition.Annotations;
import io.shelfstream.registry.EventJson;
import java.util.Base64;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/**
 * {@code POST /api/recognize}: an image as the body, as a part of a multipart form, or in Paddle
 * Serving's JSON; the answer is the recognition event as JSON, the image with its boxes, or has
 * Paddle Serving's form.
 */
public final class RecognizeService extends AbstractHttpService implements Routes {
  /** The path of PaddleClas's service. */
  static final String SERVING = "/recognition/prediction";

  private final ImageRequests requests;
  private final ImageLimits limits;
  private final Receiving receiving;

  /**
   * @param limits under which images are recognised
   */
  public RecognizeService(ImageRequests requests, ImageLimits limits, Receiving receiving) {
    this.requests = requests;
    this.receiving = receiving;
    this.limits = limits;
  }

  @Override
  public void addTo(ServerBuilder server) {
    server.route().post("/api/recognize").build(this);
    server.route().post(SERVING).build(this);
  }

  /** An image that was sent, and how the answer is to be written. */
  private record Sent(byte[] encoded, Function<RecognitionEvent, HttpResponse> answer) {}

  @Override
  protected HttpResponse doPost(ServiceRequestContext context, HttpRequest request) {
    try {
      requests.requireRoom();
    } catch (RefusedException e) {
      return Answers.refused(e);
    }
    CompletableFuture<Void> over = new CompletableFuture<>();
    CompletableFuture<HttpResponse> response =
        sent(context, receiving.counted(request, over))
            .thenCompose(sent -> recognize(context, sent, over))
            .exceptionally(this::failed)
            .toCompletableFuture();
    HttpResponse written = HttpResponse.of(response);
    // Also when the caller goes away: nobody wants the answer any more.
    written.whenComplete().whenComplete((nothing, aborted) -> over.complete(null));
    return written;
  }

  private CompletionStage<Sent> sent(ServiceRequestContext context, HttpRequest request) {
    boolean annotated = Parameters.of(context).flag("annotated");
    if (Forms.isForm(request)) {
      return Forms.read(request)
          .thenApply(
              form -> {
                AggregatedBodyPart part = form.field("image");
                if (part == null) {
                  throw RefusedException.badRequest("The form has no part 'image'");
                }
                return image(part.content().array(), annotated);
              });
    }
    return request.aggregate().thenApply(whole -> sent(whole, annotated));
  }

  private Sent sent(AggregatedHttpRequest request, boolean annotated) {
    MediaType type = request.contentType();
    byte[] body = request.content().array();
    // Paddle Serving's client says no type; no image begins like that.
    boolean isJson = (type != null && type.isJson()) || (body.length > 0 && body[0] == '{');
    return isJson ? servingForm(body) : image(body, annotated);
  }

  private Sent image(byte[] encoded, boolean annotated) {
    if (encoded.length == 0) {
      throw RefusedException.badRequest("The image is empty; send its bytes as the body");
    }
    return new Sent(
        encoded,
        annotated
            ? event ->
                HttpResponse.of(
                    HttpStatus.OK, MediaType.JPEG, Annotations.draw(encoded, event, limits))
            : event -> Answers.json(HttpStatus.OK, EventJson.toJson(event)));
  }

  /** {@code {"key": ["image"], "value": ["BASE64"]}}, as clients of Paddle Serving send it. */
  private static Sent servingForm(byte[] body) {
    try {
      JsonNode request = Answers.JSON.readTree(body);
      JsonNode value = request.path("value").path(0);
      if (!request.path("key").path(0).asText().equals("image") || !value.isTextual()) {
        throw RefusedException.badRequest(
            "Expected {\"key\": [\"image\"], \"value\": [\"BASE64\"]}");
      }
      byte[] encoded = Base64.getMimeDecoder().decode(value.asText());
      if (encoded.length == 0) {
        throw RefusedException.badRequest("The image is empty; give its bytes as base64");
      }
      return new Sent(encoded, event -> Answers.json(HttpStatus.OK, servingAnswer(event)));
    } catch (JsonProcessingException e) {
      throw RefusedException.badRequest("The body is no JSON: " + e.getOriginalMessage());
    } catch (java.io.IOException | IllegalArgumentException e) {
      throw RefusedException.badRequest("The image is no base64: " + e.getMessage());
    }
  }

  private CompletionStage<HttpResponse> recognize(
      ServiceRequestContext context, Sent sent, CompletableFuture<Void> over) {
    ImageRequests.Place place = requests.enter();
    Parameters parameters = Parameters.of(context);
    CompletableFuture<RecognitionEvent> answer;
    try (SafeCloseable current = context.push()) { // the image belongs to the trace of its request
      answer =
          place.recognize(
              parameters.text("camera").orElse(null),
              parameters.text("frame").orElse(null),
              sent.encoded());
    }
    answer.whenComplete((event, failure) -> place.close());
    over.thenRun(() -> answer.cancel(true));
    context.whenRequestCancelling().thenRun(() -> answer.cancel(true));
    // Not on the worker that recognised it, which has other images to look at.
    return answer.thenApplyAsync(sent.answer(), context.blockingTaskExecutor());
  }

  private HttpResponse failed(Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    if (cause instanceof HttpStatusException
        || cause instanceof MimeParsingException
        || cause instanceof ContentTooLargeException
        || cause instanceof RequestTimeoutException) {
      throw new CompletionException(cause); // answered as on every path: see Failures
    }
    RefusedException refused = RefusedException.of(cause);
    if (refused.kind() == RefusedException.Kind.BAD_REQUEST) {
      requests.counted(refused); // others are counted where they happen
    }
    return Answers.refused(refused);
  }

  /** As PaddleClas's recognition service answers: the results as one text in {@code value}. */
  private static String servingAnswer(RecognitionEvent event) {
    var results = Answers.JSON.createArrayNode();
    for (RecognizedObject object : event.getObjects()) {
      if (object.getLabel() == null || object.getCandidates().isEmpty()) {
        continue; // PP-ShiTu drops what it does not know
      }
      Candidate best = object.getCandidates().get(0);
      var box = object.getBbox();
      var result = results.addObject();
      result.putArray("bbox").add(box.getX1()).add(box.getY1()).add(box.getX2()).add(box.getY2());
      result.put("rec_docs", object.getLabel()).put("rec_scores", best.getScore());
    }
    ObjectNode answer = Answers.JSON.createObjectNode().put("err_no", 0).put("err_msg", "");
    answer.putArray("key").add("result");
    answer.putArray("value").add(results.toString());
    answer.putArray("tensors");
    return answer.toString();
  }
}
