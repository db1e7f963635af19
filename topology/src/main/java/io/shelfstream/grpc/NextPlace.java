package io.shelfstream.grpc;

import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpObject;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.netty.util.concurrent.ScheduledFuture;
import io.shelfstream.http.ImageRequests;
import io.shelfstream.http.ImageRequests.Place;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The place of the next image of a stream. It is asked for when the first bytes of the image come,
 * and the others are not read before it is there: a stream that sends nothing holds no place, and
 * memory bounds how many images are read at a time. Used by the event loop of the stream alone.
 */
final class NextPlace {
  private final ImageRequests requests;
  private final ServiceRequestContext context;
  private final long mostMillis;
  private Runnable tooSlow = () -> {};
  private boolean closed;
  private @Nullable CompletableFuture<Place> next;
  private @Nullable ScheduledFuture<?> deadline;

  /**
   * @param mostMillis between having the place and the last byte of the image
   */
  NextPlace(ImageRequests requests, ServiceRequestContext context, long mostMillis) {
    this.requests = requests;
    this.context = context;
    this.mostMillis = mostMillis;
  }

  /** What is called when an image takes too long to come. */
  void whenTooSlow(Runnable then) {
    tooSlow = then;
  }

  /** The request, whose bytes come as there are places. */
  HttpRequest holdBack(HttpRequest request) {
    return HttpRequest.of(request.headers(), request.mapAsync(this::admit));
  }

  private CompletableFuture<HttpObject> admit(HttpObject part) {
    if (closed || next != null || !(part instanceof HttpData data) || data.isEmpty()) {
      return CompletableFuture.completedFuture(part);
    }
    HttpData copy = HttpData.wrap(data.array()); // what waits is not to hold a pooled buffer
    data.close();
    HttpData whole = data.isEndOfStream() ? copy.withEndOfStream() : copy;
    CompletableFuture<Place> asked = requests.enterWhenFree();
    next = asked;
    // A refusal is said where the image is taken: the answers before it still go out.
    return asked.handleAsync(
        (place, refused) -> {
          if (asked == next && mostMillis > 0) {
            deadline =
                context
                    .eventLoop()
                    .withoutContext()
                    .schedule(() -> tooSlow.run(), mostMillis, TimeUnit.MILLISECONDS);
          }
          return whole;
        },
        context.eventLoop());
  }

  /** Takes it for an image that has come whole. */
  CompletableFuture<Place> take() {
    if (deadline != null) {
      deadline.cancel(false);
      deadline = null;
    }
    // None was asked for where the image came with the last bytes of the one before.
    CompletableFuture<Place> taken = next != null ? next : requests.enterWhenFree();
    next = null;
    return taken;
  }

  /** Gives it back. */
  void close() {
    closed = true;
    CompletableFuture<Place> left = next;
    if (left != null) {
      take();
      left.thenAccept(Place::close);
      left.cancel(false);
    }
  }
}
