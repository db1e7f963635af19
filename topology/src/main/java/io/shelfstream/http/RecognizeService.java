package io.shelfstream.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.linecorp.armeria.common.AggregatedHttpRequest;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.multipart.AggregatedBodyPart;
import com.linecorp.armeria.common.multipart.MimeParsingException;
import com.linecorp.armeria.common.multipart.Multipart;
import com.linecorp.armeria.server.AbstractHttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.shelfstream.events.Candidate;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognizedObject;
import io.shelfstream.messages.TraceContext;
import io.shelfstream.metrics.Metric;
import io.shelfstream.metrics.ServiceMetrics;
import io.shelfstream.recognition.RejectedException;
import io.shelfstream.registry.EventJson;
import java.util.Base64;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * {@code POST /api/recognize}: an image as the body, as a part of a multipart form, or in Paddle
 * Serving's JSON; the answer is the recognition event as JSON, or has Paddle Serving's form.
 *
 * <p>Images beyond {@code most} are answered by 429 at once: callers come back, memory does not.
 */
final class RecognizeService extends AbstractHttpService {
  /** Faults of ours, not of the image. */
  private static final Set<String> OURS = Set.of("MODEL_FAILED", "INDEX_FAILED", "INTERNAL_ERROR");

  private final ImageAnswers images;
  private final ServiceStatus status;
  private final ServiceMetrics metrics;
  private final int most;
  private final AtomicInteger inHand = new AtomicInteger();
  private final ObjectMapper json = new ObjectMapper();

  /**
   * @param most images in hand at a time
   */
  RecognizeService(ImageAnswers images, ServiceStatus status, ServiceMetrics metrics, int most) {
    this.images = images;
    this.status = status;
    this.metrics = metrics;
    this.most = most;
    metrics.gauge(Metric.HTTP_IN_HAND, inHand, AtomicInteger::get);
  }

  /** An image that was sent, and how the answer is to be written. */
  private record Sent(byte[] encoded, Function<RecognitionEvent, String> answer) {}

  /** The request is not one; its message goes to the caller. */
  private static final class BadRequest extends RuntimeException {
    private static final long serialVersionUID = 1L;

    BadRequest(String message) {
      super(message);
    }
  }

  @Override
  protected HttpResponse doPost(ServiceRequestContext context, HttpRequest request) {
    if (!status.isReady()) {
      return refused(HttpStatus.SERVICE_UNAVAILABLE, "NOT_READY", "see /health/ready");
    }
    if (inHand.incrementAndGet() > most) {
      inHand.decrementAndGet();
      return refused(
          HttpStatus.TOO_MANY_REQUESTS,
          "TOO_MANY_REQUESTS",
          most + " images are in hand; come again");
    }
    CompletableFuture<Void> over = new CompletableFuture<>();
    CompletableFuture<HttpResponse> response =
        sent(request)
            .thenCompose(sent -> recognize(context, sent, over))
            .exceptionally(this::failed)
            .toCompletableFuture();
    response.whenComplete((answer, failure) -> inHand.decrementAndGet());
    HttpResponse written = HttpResponse.of(response);
    // Also when the caller goes away: nobody wants the answer any more.
    written.whenComplete().whenComplete((nothing, aborted) -> over.complete(null));
    return written;
  }

  private CompletionStage<Sent> sent(HttpRequest request) {
    MediaType type = request.contentType();
    if (type != null && type.belongsTo(MediaType.MULTIPART_FORM_DATA)) {
      return Multipart.from(request)
          .aggregate()
          .thenApply(
              form -> {
                AggregatedBodyPart part = form.field("image");
                if (part == null) {
                  throw new BadRequest("The form has no part 'image'");
                }
                return image(part.content().array());
              });
    }
    return request.aggregate().thenApply(this::sent);
  }

  private Sent sent(AggregatedHttpRequest request) {
    MediaType type = request.contentType();
    byte[] body = request.content().array();
    return type != null && type.isJson() ? servingForm(body) : image(body);
  }

  private static Sent image(byte[] encoded) {
    if (encoded.length == 0) {
      throw new BadRequest("The image is empty; send its bytes as the body");
    }
    return new Sent(encoded, EventJson::toJson);
  }

  /** {@code {"key": ["image"], "value": ["BASE64"]}}, as clients of Paddle Serving send it. */
  private Sent servingForm(byte[] body) {
    try {
      JsonNode request = json.readTree(body);
      JsonNode value = request.path("value").path(0);
      if (!request.path("key").path(0).asText().equals("image") || !value.isTextual()) {
        throw new BadRequest("Expected {\"key\": [\"image\"], \"value\": [\"BASE64\"]}");
      }
      return new Sent(Base64.getMimeDecoder().decode(value.asText()), this::servingAnswer);
    } catch (JsonProcessingException e) {
      throw new BadRequest("The body is no JSON: " + e.getOriginalMessage());
    } catch (java.io.IOException | IllegalArgumentException e) {
      throw new BadRequest("The image is no base64: " + e.getMessage());
    }
  }

  private CompletionStage<HttpResponse> recognize(
      ServiceRequestContext context, Sent sent, CompletableFuture<Void> over) {
    String camera = context.queryParams().get("camera", "http");
    String frame = context.queryParams().get("frame", UUID.randomUUID().toString());
    CompletableFuture<RecognitionEvent> answer =
        TraceContext.within(
            caller(context.request()), () -> images.recognize(camera, frame, sent.encoded()));
    over.thenRun(() -> answer.cancel(true));
    context.whenRequestCancelling().thenRun(() -> answer.cancel(true));
    return answer.thenApply(
        event -> {
          metrics.counter(Metric.HTTP_ANSWERS, "recognized").increment();
          return HttpResponse.of(HttpStatus.OK, MediaType.JSON_UTF_8, sent.answer().apply(event));
        });
  }

  /** The span that the caller names; null when it names none. */
  private static @Nullable TraceContext caller(HttpRequest request) {
    return TraceContext.parse(
        request.headers().get("traceparent"), request.headers().get("tracestate"));
  }

  private HttpResponse failed(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    if (cause instanceof RejectedException rejected) {
      boolean isOurs = OURS.contains(rejected.reason());
      return refused(
          isOurs ? HttpStatus.INTERNAL_SERVER_ERROR : HttpStatus.UNPROCESSABLE_ENTITY,
          rejected.reason(),
          rejected.message());
    }
    if (cause instanceof BadRequest || cause instanceof MimeParsingException) {
      return refused(HttpStatus.BAD_REQUEST, "BAD_REQUEST", String.valueOf(cause.getMessage()));
    }
    if (cause instanceof CancellationException) {
      return refused(HttpStatus.SERVICE_UNAVAILABLE, "NOT_READY", "the service stops");
    }
    throw new CompletionException(
        cause); // as the server answers it: 413 for a body that is too long
  }

  private HttpResponse refused(HttpStatus status, String reason, String message) {
    metrics.counter(Metric.HTTP_ANSWERS, reason).increment();
    var headers = ResponseHeaders.builder(status).contentType(MediaType.JSON_UTF_8);
    if (status.equals(HttpStatus.TOO_MANY_REQUESTS)
        || status.equals(HttpStatus.SERVICE_UNAVAILABLE)) {
      headers.set(HttpHeaderNames.RETRY_AFTER, "1");
    }
    ObjectNode body = json.createObjectNode().put("reason", reason).put("message", message);
    return HttpResponse.of(headers.build(), HttpData.ofUtf8(body.toString()));
  }

  /** As PaddleClas's recognition service answers: the results as one text in {@code value}. */
  private String servingAnswer(RecognitionEvent event) {
    var results = json.createArrayNode();
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
    ObjectNode answer = json.createObjectNode().put("err_no", 0).put("err_msg", "");
    answer.putArray("key").add("result");
    answer.putArray("value").add(results.toString());
    answer.putArray("tensors");
    return answer.toString();
  }
}
