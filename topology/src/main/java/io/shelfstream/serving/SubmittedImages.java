package io.shelfstream.serving;

import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.http.ImageAnswers;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.recognition.FrameRecognizer;
import io.shelfstream.recognition.Recognition;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;

/** Images of callers, recognised by the workers that recognise frames. */
public record SubmittedImages(FrameRecognizer recognizer, RecognitionEvents events)
    implements ImageAnswers {

  @Override
  public CompletableFuture<RecognitionEvent> recognize(
      String camera, String frame, byte[] encoded) {
    Instant now = Instant.now();
    ImageReference reference =
        RecognitionEvents.reference(camera, frame, "urn:frame:" + frame, now);
    CompletableFuture<Recognition> seen = recognizer.submit(reference, encoded);
    CompletableFuture<RecognitionEvent> answer =
        seen.thenApply(recognition -> events.of(reference, recognition, now.toEpochMilli()));
    answer.whenComplete((event, failure) -> seen.cancel(true)); // nobody wants it any more
    return answer;
  }
}
