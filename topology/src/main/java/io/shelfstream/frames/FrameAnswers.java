package io.shelfstream.frames;

import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.logging.LogContext;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.messages.RecognitionEvents.SeenWith;
import io.shelfstream.outage.Wait;
import io.shelfstream.recognition.FrameRecognizer;
import io.shelfstream.recognition.Recognition;
import io.shelfstream.recognition.RejectedException;
import io.shelfstream.recognition.Stage;
import io.shelfstream.recognition.StageTimes;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.BiFunction;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Turns the bytes of a frame record into the event that answers it. Callers never wait: records
 * with a schema that is not known yet are decoded on a separate thread, and only that thread waits
 * for the registry. Safe for several threads.
 */
public final class FrameAnswers implements AutoCloseable {

  /** Recognises a frame; as {@link FrameRecognizer#submit(ImageReference, StageTimes)}. */
  public interface Recognizer
      extends BiFunction<ImageReference, StageTimes, CompletableFuture<Recognition>> {}

  private final String topic;
  private final EventSerdes serdes;
  private final Recognizer recognizer;
  private final RecognitionEvents events;
  private final Supplier<SeenWith> skippedWith;
  private final BooleanSupplier storeIsAway;
  private final Set<Integer> knownSchemas = ConcurrentHashMap.newKeySet();
  private final ExecutorService reader =
      Executors.newSingleThreadExecutor(
          work -> {
            Thread thread = new Thread(work, "frame-reader");
            thread.setDaemon(true);
            return thread;
          });

  /**
   * @param topic of the frames
   * @param skippedWith models and gallery that the events of skipped frames name
   * @param storeIsAway whether images wait for a store that is away
   */
  public FrameAnswers(
      String topic,
      EventSerdes serdes,
      Recognizer recognizer,
      RecognitionEvents events,
      Supplier<SeenWith> skippedWith,
      BooleanSupplier storeIsAway) {
    this.topic = topic;
    this.serdes = serdes;
    this.recognizer = recognizer;
    this.events = events;
    this.skippedWith = skippedWith;
    this.storeIsAway = storeIsAway;
  }

  /** Whether frames wait because the registry or an image store is away. */
  boolean waitsForOthers() {
    return serdes.registry().isWaiting() || storeIsAway.getAsBoolean();
  }

  /**
   * Starts the work on a frame.
   *
   * @param times to be filled in
   * @return completes with the event; exceptionally with {@link RejectedException} if the frame
   *     becomes a dead letter, or with an Error if not the frame but this process is at fault.
   *     Cancelled when the service stopped before there was an answer
   */
  CompletableFuture<Optional<RecognitionEvent>> answer(PendingFrame pending, StageTimes times) {
    CompletableFuture<Optional<RecognitionEvent>> answer = new CompletableFuture<>();
    whenRead(
        pending,
        answer,
        frame -> {
          CompletableFuture<Recognition> seen = recognizer.apply(frame, times);
          answer.whenComplete((event, failure) -> seen.cancel(true)); // no longer needed
          seen.whenComplete(
              (recognition, failure) -> {
                if (seen.isCancelled()) {
                  answer.cancel(false); // the recogniser stopped: the frame stays pending
                } else if (failure != null && RejectedException.isOfTheProcess(failure)) {
                  answer.completeExceptionally(failure); // not the frame's fault
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

  /** The answer to a frame that was skipped because newer ones of its camera waited. */
  CompletableFuture<Optional<RecognitionEvent>> skipped(PendingFrame pending) {
    CompletableFuture<Optional<RecognitionEvent>> answer = new CompletableFuture<>();
    whenRead(
        pending,
        answer,
        frame -> {
          SeenWith now = skippedWith.get();
          complete(answer, () -> events.skipped(frame, now, pending.record().timestamp()));
        });
    return answer;
  }

  /** Decodes at once if the schema is known, else on the thread that may wait for the registry. */
  private void whenRead(
      PendingFrame pending, CompletableFuture<Optional<RecognitionEvent>> answer, Reading then) {
    Integer schema = schemaOf(pending.record().value());
    if (schema != null && knownSchemas.contains(schema)) {
      read(pending, answer, then);
    } else {
      LogContext.Held context = LogContext.hold();
      reader.execute(
          () ->
              context.run(
                  () -> {
                    if (!answer.isDone() && read(pending, answer, then) && schema != null) {
                      knownSchemas.add(schema);
                    }
                  }));
    }
  }

  /** Id of the schema that a value was written with; null when it has none. */
  private static @Nullable Integer schemaOf(byte @Nullable [] value) {
    return value == null || value.length < 5 || value[0] != 0
        ? null
        : ByteBuffer.wrap(value).getInt(1);
  }

  private boolean read(
      PendingFrame pending, CompletableFuture<Optional<RecognitionEvent>> answer, Reading then) {
    ImageReference frame;
    try {
      if (pending.isOmitted()) {
        throw new RejectedException(
            Stage.READ,
            RejectedException.Reason.INVALID_RECORD,
            "The record is larger than a slot for frames in hand (its value has %d bytes); publish the image to a store and a reference to it"
                .formatted(pending.omitted()));
      }
      frame = serdes.readFrame(topic, pending.record());
    } catch (Wait.Stopped e) {
      answer.cancel(false); // stays pending: the next start reads it
      return false;
    } catch (RejectedException e) {
      answer.completeExceptionally(e);
      return false;
    } catch (RuntimeException | StackOverflowError e) {
      answer.completeExceptionally(RejectedException.unexpected(Stage.READ, e));
      return false;
    }
    try {
      then.take(frame);
    } catch (RuntimeException | StackOverflowError e) {
      answer.completeExceptionally(RejectedException.unexpected(Stage.READ, e));
    }
    return true;
  }

  private interface Reading {
    void take(ImageReference frame);
  }

  private static void complete(
      CompletableFuture<Optional<RecognitionEvent>> answer, Supplier<RecognitionEvent> event) {
    try {
      answer.complete(Optional.of(event.get()));
    } catch (RuntimeException | StackOverflowError e) {
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
