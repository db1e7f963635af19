package io.shelfstream.grpc;

import io.shelfstream.api.v1.RecognizeRequest;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.http.ImageRequests;
import java.util.concurrent.CompletableFuture;

/** Reads a request as HTTP's are read: what is blank counts as not given. */
final class RequestedImage {
  private static final String NO_CAMERA = "grpc";

  private RequestedImage() {}

  /**
   * Begins to recognise it.
   *
   * @return as {@link ImageRequests.Place#recognize} says
   */
  static CompletableFuture<RecognitionEvent> recognize(
      RecognizeRequest request, ImageRequests.Place place) {
    return place.recognize(
        request.getCamera().isBlank() ? NO_CAMERA : request.getCamera(),
        request.getFrame().isBlank() ? null : request.getFrame(),
        request.getImage().toByteArray());
  }
}
