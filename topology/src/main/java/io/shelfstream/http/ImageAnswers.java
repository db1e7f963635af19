package io.shelfstream.http;

import io.shelfstream.events.RecognitionEvent;
import java.util.concurrent.CompletableFuture;

/** Recognises images that callers send. */
public interface ImageAnswers {

  /**
   * Begins to recognise an image.
   *
   * @param camera and frame as the event is to name them
   * @param encoded bytes of the image; not to be changed any more
   * @return completes exceptionally with {@link io.shelfstream.recognition.RejectedException} when
   *     the image cannot be recognised; cancelled when the service stops; cancelling it drops the
   *     image if it was not begun
   */
  CompletableFuture<RecognitionEvent> recognize(String camera, String frame, byte[] encoded);
}
