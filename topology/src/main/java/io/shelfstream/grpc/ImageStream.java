package io.shelfstream.grpc;

import com.linecorp.armeria.server.ServiceRequestContext;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.shelfstream.api.v1.RecognizeRequest;
import io.shelfstream.api.v1.RecognizeResponse;
import io.shelfstream.api.v1.Refusal;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.http.ImageRequests.Place;
import io.shelfstream.http.RefusedException;
import io.shelfstream.http.RefusedException.Kind;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * A call of {@code RecognizeStream}: reads an image when there is a place for it and its caller
 * takes the answers, and answers each as soon as it is recognised. Used by the event loop of the
 * call alone.
 */
final class ImageStream extends ServerCall.Listener<RecognizeRequest> {
  private final ServerCall<RecognizeRequest, RecognizeResponse> call;
  private final NextPlace places;
  private final Executor eventLoop;
  private final Executor blocking;
  private final Set<CompletableFuture<RecognitionEvent>> inHand = new HashSet<>();

  /** The place that an image has come for and waits for. */
  private @Nullable CompletableFuture<Place> waiting;

  private boolean asked;
  private boolean halfClosed;
  private boolean over;

  /** Why no more images are taken. */
  private @Nullable RefusedException ending;

  private ImageStream(
      ServerCall<RecognizeRequest, RecognizeResponse> call,
      NextPlace places,
      ServiceRequestContext context) {
    this.call = call;
    this.places = places;
    this.eventLoop = context.eventLoop();
    this.blocking = context.blockingTaskExecutor();
  }

  static ServerCall.Listener<RecognizeRequest> start(
      ServerCall<RecognizeRequest, RecognizeResponse> call, NextPlace places) {
    ServiceRequestContext context = ServiceRequestContext.current();
    context.logBuilder().requestContent(null, null); // or the log keeps the first image
    ImageStream stream = new ImageStream(call, places, context);
    places.whenTooSlow(stream::tooSlow);
    call.sendHeaders(new Metadata());
    stream.readNext();
    return stream;
  }

  private void readNext() {
    if (!over && !asked && !halfClosed && waiting == null && ending == null && call.isReady()) {
      asked = true;
      call.request(1);
    }
  }

  @Override
  public void onReady() {
    eventLoop.execute(this::readNext);
  }

  @Override
  public void onMessage(RecognizeRequest request) {
    asked = false;
    waiting = places.take();
    waiting.whenCompleteAsync((place, refused) -> begin(request, place, refused), eventLoop);
  }

  private void begin(RecognizeRequest request, @Nullable Place place, @Nullable Throwable refused) {
    waiting = null;
    if (over || place == null) {
      if (place != null) {
        place.close();
      }
      if (refused != null) {
        ending = RefusedException.of(refused);
      }
      endIfDone();
      return;
    }
    CompletableFuture<RecognitionEvent> answer = RequestedImage.recognize(request, place);
    inHand.add(answer);
    answer
        // Not on the worker that recognised it, which has other images to look at.
        .thenApplyAsync(EventMessages::of, blocking)
        .whenCompleteAsync(
            (event, failure) -> {
              place.close();
              inHand.remove(answer);
              answered(request.getId(), event, failure);
            },
            eventLoop);
    readNext();
  }

  private void answered(
      String id,
      io.shelfstream.api.v1.@Nullable RecognitionEvent event,
      @Nullable Throwable failure) {
    if (over) {
      return;
    }
    RecognizeResponse.Builder response = RecognizeResponse.newBuilder().setId(id);
    if (event != null) {
      call.sendMessage(response.setEvent(event).build());
    } else if (failure != null) {
      RefusedException refused = RefusedException.of(failure);
      if (refused.kind() == Kind.NOT_READY) {
        ending = refused; // it may be recognised elsewhere: the caller sends it again
      } else {
        call.sendMessage(
            response
                .setRefusal(
                    Refusal.newBuilder()
                        .setReason(refused.reason())
                        .setMessage(refused.getMessage()))
                .build());
      }
    }
    endIfDone();
    readNext();
  }

  @Override
  public void onHalfClose() {
    halfClosed = true;
    endIfDone();
  }

  private void endIfDone() {
    if (over || !inHand.isEmpty() || waiting != null || (ending == null && !halfClosed)) {
      return;
    }
    over = true;
    if (ending != null) {
      Statuses.close(call, ending);
    } else {
      call.close(Status.OK, new Metadata());
    }
    places.close();
  }

  private void tooSlow() {
    if (!over) {
      over = true;
      call.close(Statuses.TOO_SLOW, new Metadata());
      leave();
    }
  }

  /** Also when the caller went away, or its message was none: nobody wants the answers any more. */
  @Override
  public void onCancel() {
    onComplete();
  }

  @Override
  public void onComplete() {
    over = true;
    leave();
  }

  private void leave() {
    places.close();
    if (waiting != null) {
      waiting.cancel(false); // or, when it is there already, begin() gives it back
    }
    Set.copyOf(inHand).forEach(answer -> answer.cancel(true));
  }
}
