package io.shelfstream.serving;

import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.http.ImageAnswers;
import io.shelfstream.logging.LogContext;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.messages.TraceContext;
import io.shelfstream.recognition.FrameRecognizer;
import io.shelfstream.recognition.Recognition;
import io.shelfstream.recognition.StageTimes;
import io.shelfstream.tracing.Traces;
import io.shelfstream.tracing.WorkSpan;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;

/** Images of callers, recognised by the workers that recognise frames. */
public record SubmittedImages(FrameRecognizer recognizer, RecognitionEvents events, Traces traces)
    implements ImageAnswers {

  @Override
  public CompletableFuture<RecognitionEvent> recognize(
      String camera, String frame, byte[] encoded) {
    Instant now = Instant.now();
    ImageReference reference =
        RecognitionEvents.reference(camera, frame, "urn:frame:" + frame, now);
    TraceContext caller = TraceContext.current();
    WorkSpan span = traces.recognize(caller, camera);
    StageTimes times = new StageTimes();
    CompletableFuture<Recognition> seen;
    try (LogContext.Scope context = LogContext.image(camera, () -> span.traceId(caller))) {
      seen = recognizer.submit(reference, times, encoded);
    }
    CompletableFuture<RecognitionEvent> answer =
        seen.thenApply(recognition -> events.of(reference, recognition, now.toEpochMilli()));
    answer.whenComplete(
        (event, failure) -> {
          seen.cancel(true); // nobody wants it any more
          span.end(times, event, failure);
        });
    return answer;
  }
}
