package io.shelfstream.grpc;

import com.linecorp.armeria.server.ServiceRequestContext;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.shelfstream.api.v1.RecognizeRequest;
import io.shelfstream.api.v1.RecognizeResponse;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.http.ImageRequests;
import io.shelfstream.http.RefusedException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** A call of {@code Recognize}; used by the event loop of the call alone. */
final class OneImage extends ServerCall.Listener<RecognizeRequest> {
  private final ServerCall<RecognizeRequest, RecognizeResponse> call;
  private final ImageRequests.Place place;
  private final Executor eventLoop;
  private final Executor blocking;
  private boolean over;
  private @Nullable CompletableFuture<RecognitionEvent> answer;

  private OneImage(
      ServerCall<RecognizeRequest, RecognizeResponse> call,
      ImageRequests.Place place,
      ServiceRequestContext context) {
    this.call = call;
    this.place = place;
    this.eventLoop = context.eventLoop();
    this.blocking = context.blockingTaskExecutor();
  }

  /** Takes a place before the message is read, so that memory bounds how many are. */
  static ServerCall.Listener<RecognizeRequest> start(
      ServerCall<RecognizeRequest, RecognizeResponse> call, ImageRequests requests) {
    ImageRequests.Place place;
    try {
      place = requests.enter();
    } catch (RefusedException e) {
      Statuses.close(call, e);
      return new ServerCall.Listener<>() {};
    }
    call.sendHeaders(new Metadata());
    call.request(1);
    return new OneImage(call, place, ServiceRequestContext.current());
  }

  @Override
  public void onMessage(RecognizeRequest request) {
    answer = RequestedImage.recognize(request, place);
    answer
        // Not on the worker that recognised it, which has other images to look at.
        .thenApplyAsync(EventMessages::of, blocking)
        .whenCompleteAsync(
            (event, failure) -> {
              place.close();
              if (over) {
                return;
              }
              if (failure != null) {
                Statuses.close(call, RefusedException.of(failure));
                return;
              }
              call.sendMessage(
                  RecognizeResponse.newBuilder().setId(request.getId()).setEvent(event).build());
              call.close(Status.OK, new Metadata());
            },
            eventLoop);
  }

  /** Also when the caller went away, or its message was none: nobody wants the answer any more. */
  @Override
  public void onCancel() {
    onComplete();
  }

  @Override
  public void onComplete() {
    over = true;
    if (answer != null) {
      answer.cancel(true);
    }
    place.close();
  }
}
