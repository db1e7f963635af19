package io.shelfstream.http;

import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.http.RefusedException.Kind;
import io.shelfstream.messages.TraceContext;
import io.shelfstream.metrics.Metric;
import io.shelfstream.metrics.ServiceMetrics;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The images that callers of the port have in hand, however they came: so many at a time, and none
 * while the service is not ready. Callers beyond that are refused at once: they come back, memory
 * does not. Streams of images wait for their turn instead, and leave half of the places to those
 * who do not wait. Safe for several threads.
 */
public final class ImageRequests {
  /** Images in hand for each worker that recognises: one is worked on, some wait. */
  public static final int PER_WORKER = 4;

  private final ImageAnswers images;
  private final ServiceStatus status;
  private final ServiceMetrics metrics;
  private final int most;
  private final Deque<CompletableFuture<Place>> waiting = new ArrayDeque<>();
  private int inHand;

  /** Of them, those of streams. */
  private int streamed;

  /**
   * @param most images in hand at a time
   */
  public ImageRequests(
      ImageAnswers images, ServiceStatus status, ServiceMetrics metrics, int most) {
    this.images = images;
    this.status = status;
    this.metrics = metrics;
    this.most = most;
    metrics.gauge(Metric.HTTP_IN_HAND, this, ImageRequests::inHand);
    // From 0 on, so that the first one is an increase.
    for (String reason : List.of("recognized", "TOO_MANY_REQUESTS", "NOT_READY")) {
      metrics.counter(Metric.HTTP_ANSWERS, reason);
    }
  }

  /**
   * Refuses an image before its bytes are read, when there is no place for it now.
   *
   * @throws RefusedException when there is none, or the service is not ready
   */
  public void requireRoom() {
    requireReady();
    if (inHand() >= most) {
      throw counted(full());
    }
  }

  /**
   * Takes a place for one image, whose bytes are there: a caller that sends slowly must not keep it
   * from others.
   *
   * @throws RefusedException when there is none, or the service is not ready
   */
  public Place enter() {
    requireReady();
    synchronized (this) {
      if (inHand < most) {
        inHand++;
        return new Place(false);
      }
    }
    throw counted(full());
  }

  /**
   * Takes a place for one image of a stream as soon as there is one, in the order of the calls.
   *
   * @return completes exceptionally with {@link RefusedException} when the service is not ready;
   *     cancelling it leaves the queue; a place that came before that is the caller's to close
   */
  public CompletableFuture<Place> enterWhenFree() {
    try {
      requireReady();
    } catch (RefusedException e) {
      return CompletableFuture.failedFuture(e);
    }
    CompletableFuture<Place> place = new CompletableFuture<>();
    synchronized (this) {
      waiting.add(place);
    }
    letIn();
    place.whenComplete((entered, failure) -> leaveQueue(place));
    return place;
  }

  private void requireReady() {
    if (!status.isReady()) {
      throw counted(RefusedException.notReady("see /health/ready"));
    }
  }

  /** Those who wait, as far as there are places; outside the lock, as they begin their work. */
  private void letIn() {
    for (CompletableFuture<Place> next = next(); next != null; next = next()) {
      Place place = new Place(true);
      if (!status.isReady()) {
        next.completeExceptionally(counted(RefusedException.notReady("see /health/ready")));
      }
      if (!next.complete(place)) {
        place.leave();
      }
    }
  }

  private synchronized @Nullable CompletableFuture<Place> next() {
    int mostStreamed = most - most / 2;
    if (waiting.isEmpty() || inHand >= most || streamed >= mostStreamed) {
      return null;
    }
    inHand++;
    streamed++;
    return waiting.poll();
  }

  private synchronized void leaveQueue(CompletableFuture<Place> place) {
    waiting.remove(place);
  }

  private synchronized int inHand() {
    return inHand;
  }

  private RefusedException full() {
    return new RefusedException(
        Kind.FULL, "TOO_MANY_REQUESTS", most + " images are in hand; come again");
  }

  /** Counts a refusal. */
  RefusedException counted(RefusedException refused) {
    metrics.counter(Metric.HTTP_ANSWERS, refused.reason()).increment();
    return refused;
  }

  /** The place of one image. */
  public final class Place implements AutoCloseable {
    private final AtomicBoolean left = new AtomicBoolean();

    private final boolean isStreamed;

    private Place(boolean isStreamed) {
      this.isStreamed = isStreamed;
    }

    /**
     * Begins to recognise the image. It belongs to the trace that the request names which is
     * current on this thread.
     *
     * @param camera and frame name the image in the event; null for {@code http} and a random id
     * @param encoded not to be changed any more
     * @return completes exceptionally with {@link RefusedException}; cancelling it drops the image
     *     if it was not begun
     */
    public CompletableFuture<RecognitionEvent> recognize(
        @Nullable String camera, @Nullable String frame, byte[] encoded) {
      if (encoded.length == 0) {
        return CompletableFuture.failedFuture(
            counted(RefusedException.badRequest("The image is empty; send its bytes")));
      }
      CompletableFuture<RecognitionEvent> seen =
          TraceContext.within(caller(), () -> begin(camera, frame, encoded));
      CompletableFuture<RecognitionEvent> answer =
          seen.handle(
              (event, failure) -> {
                if (failure != null) {
                  throw counted(RefusedException.of(failure));
                }
                metrics.counter(Metric.HTTP_ANSWERS, "recognized").increment();
                return event;
              });
      answer.whenComplete((event, failure) -> seen.cancel(true)); // nobody wants it any more
      return answer;
    }

    /** The span that the caller names in its request; null when it names none. */
    private static @Nullable TraceContext caller() {
      ServiceRequestContext context = ServiceRequestContext.currentOrNull();
      if (context == null) {
        return null;
      }
      RequestHeaders headers = context.request().headers();
      return TraceContext.parse(headers.get("traceparent"), headers.get("tracestate"));
    }

    private CompletableFuture<RecognitionEvent> begin(
        @Nullable String camera, @Nullable String frame, byte[] encoded) {
      try {
        return images.recognize(
            camera == null ? "http" : camera,
            frame == null ? UUID.randomUUID().toString() : frame,
            encoded);
      } catch (RuntimeException e) { // or the caller would keep the place
        return CompletableFuture.failedFuture(e);
      }
    }

    /** Leaves the place to another image. Idempotent. */
    @Override
    public void close() {
      leave();
      letIn();
    }

    private void leave() {
      if (!left.getAndSet(true)) {
        synchronized (ImageRequests.this) {
          inHand--;
          if (isStreamed) {
            streamed--;
          }
        }
      }
    }
  }
}
