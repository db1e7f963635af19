package io.shelfstream.topology;

import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.gallery.GalleryState;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * From the bytes of a frame record to the event that answers it, without the stream threads: one
 * thread reads records, in order, and alone waits for the registry when a record names a schema
 * that is not known yet. Safe for several threads.
 */
final class FrameAnswers implements AutoCloseable {

  /** Recognises a frame; as {@link FrameRecognizer#submit}. */
  interface Recognizer extends Function<ImageReference, CompletableFuture<Recognition>> {}

  /** What skipped frames would have been looked at with. */
  record Versions(ModelIds models, GalleryState gallery) {
    static Versions of(Stages stages) {
      return new Versions(stages.models(), stages.gallery().state());
    }
  }

  private final String topic;
  private final EventSerdes serdes;
  private final Recognizer recognizer;
  private final RecognitionEvents events;
  private final Supplier<Versions> versions;
  private final ExecutorService reader =
      Executors.newSingleThreadExecutor(
          work -> {
            Thread thread = new Thread(work, "frame-reader");
            thread.setDaemon(true);
            return thread;
          });

  /**
   * @param topic of the frames
   */
  FrameAnswers(
      String topic,
      EventSerdes serdes,
      Recognizer recognizer,
      RecognitionEvents events,
      Supplier<Versions> versions) {
    this.topic = topic;
    this.serdes = serdes;
    this.recognizer = recognizer;
    this.events = events;
    this.versions = versions;
  }

  /** Whether records are not read for a while because the registry is away. */
  boolean waitsForRegistry() {
    return serdes.registry().isWaiting();
  }

  /**
   * Begins the work on a frame.
   *
   * @return completes with the event, or exceptionally with {@link RejectedException} and nothing
   *     else; cancelled when the service stopped before there was an answer
   */
  CompletableFuture<Optional<RecognitionEvent>> answer(PendingFrame pending) {
    CompletableFuture<Optional<RecognitionEvent>> answer = new CompletableFuture<>();
    whenRead(
        pending,
        answer,
        frame -> {
          CompletableFuture<Recognition> seen = recognizer.apply(frame);
          answer.whenComplete((event, failure) -> seen.cancel(true)); // nobody wants it any more
          seen.whenComplete(
              (recognition, failure) -> {
                if (seen.isCancelled()) {
                  answer.cancel(false); // the recogniser stopped: the frame stays pending
                } else if (failure != null) {
                  answer.completeExceptionally(rejection(failure));
                } else {
                  complete(
                      answer, () -> events.of(frame, recognition, pending.record().timestamp()));
                }
              });
        });
    return answer;
  }

  /** The answer to a frame that nobody looked at because newer ones of its camera waited. */
  CompletableFuture<Optional<RecognitionEvent>> skipped(PendingFrame pending) {
    CompletableFuture<Optional<RecognitionEvent>> answer = new CompletableFuture<>();
    whenRead(
        pending,
        answer,
        frame -> {
          Versions now = versions.get();
          complete(answer, () -> events.skipped(frame, now, pending.record().timestamp()));
        });
    return answer;
  }

  private void whenRead(
      PendingFrame pending, CompletableFuture<Optional<RecognitionEvent>> answer, Reading then) {
    reader.execute(
        () -> {
          if (answer.isDone()) {
            return;
          }
          try {
            then.take(serdes.readFrame(topic, pending.record()));
          } catch (RegistryWait.Stopped e) {
            answer.cancel(false); // stays pending: the next start reads it
          } catch (RejectedException e) {
            answer.completeExceptionally(e);
          } catch (RuntimeException e) {
            answer.completeExceptionally(RejectedException.unexpected(Stage.READ, e));
          }
        });
  }

  private interface Reading {
    void take(ImageReference frame);
  }

  private static void complete(
      CompletableFuture<Optional<RecognitionEvent>> answer, Supplier<RecognitionEvent> event) {
    try {
      answer.complete(Optional.of(event.get()));
    } catch (RuntimeException e) {
      answer.completeExceptionally(RejectedException.unexpected(Stage.SEARCH, e));
    }
  }

  private static RejectedException rejection(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    if (cause instanceof RejectedException rejected) {
      return rejected;
    }
    return RejectedException.unexpected(
        Stage.DETECT,
        cause instanceof RuntimeException e
            ? e
            : new IllegalStateException(cause.toString(), cause));
  }

  @Override
  public void close() {
    reader.shutdownNow();
  }
}
