package io.shelfstream.http;

import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.http.RefusedException.Kind;
import io.shelfstream.metrics.Metric;
import io.shelfstream.metrics.ServiceMetrics;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The images that callers of the port have in hand, however they came: so many at a time, and none
 * while the service is not ready. Callers beyond that are refused at once: they come back, memory
 * does not. Safe for several threads.
 */
public final class ImageRequests {
  /** Images in hand for each worker that recognises: one is worked on, some wait. */
  public static final int PER_WORKER = 4;

  private final ImageAnswers images;
  private final ServiceStatus status;
  private final ServiceMetrics metrics;
  private final int most;
  private final AtomicInteger inHand = new AtomicInteger();

  /**
   * @param most images in hand at a time
   */
  public ImageRequests(
      ImageAnswers images, ServiceStatus status, ServiceMetrics metrics, int most) {
    this.images = images;
    this.status = status;
    this.metrics = metrics;
    this.most = most;
    metrics.gauge(Metric.HTTP_IN_HAND, inHand, AtomicInteger::get);
  }

  /**
   * Refuses an image before its bytes are read, when there is no place for it now.
   *
   * @throws RefusedException when there is none, or the service is not ready
   */
  public void requireRoom() {
    if (!status.isReady()) {
      throw counted(RefusedException.notReady("see /health/ready"));
    }
    if (inHand.get() >= most) {
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
    if (!status.isReady()) {
      throw counted(RefusedException.notReady("see /health/ready"));
    }
    if (inHand.incrementAndGet() > most) {
      inHand.decrementAndGet();
      throw counted(full());
    }
    return new Place();
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

    private Place() {}

    /**
     * Begins to recognise the image.
     *
     * @param camera and frame name the image in the event; null for {@code http} and a random id
     * @param encoded not to be changed any more
     * @return completes exceptionally with {@link RefusedException}; cancelling it drops the image
     *     if it was not begun
     */
    public CompletableFuture<RecognitionEvent> recognize(
        @Nullable String camera, @Nullable String frame, byte[] encoded) {
      CompletableFuture<RecognitionEvent> seen =
          images.recognize(
              camera == null ? "http" : camera,
              frame == null ? UUID.randomUUID().toString() : frame,
              encoded);
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

    /** Leaves the place to another image. Idempotent. */
    @Override
    public void close() {
      if (!left.getAndSet(true)) {
        inHand.decrementAndGet();
      }
    }
  }
}
