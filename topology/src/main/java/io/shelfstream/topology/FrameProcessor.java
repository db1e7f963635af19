package io.shelfstream.topology;

import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.streams.errors.StreamsException;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;

/** Each frame becomes one recognition event or one dead letter. */
final class FrameProcessor extends ContextualProcessor<byte[], byte[], Object, Object> {
  private final TopicNames topics;
  private final EventSerdes serdes;
  private final FrameRecognizer recognizer;
  private final RecognitionEvents events;

  /**
   * @param recognizer shared by all stream threads
   */
  FrameProcessor(
      TopicNames topics, EventSerdes serdes, FrameRecognizer recognizer, RecognitionEvents events) {
    this.topics = topics;
    this.serdes = serdes;
    this.recognizer = recognizer;
    this.events = events;
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    StageTimes times = new StageTimes();
    try {
      RecognitionEvent event = answer(record, times);
      context()
          .forward(
              record.withKey(event.getCameraId()).withValue(event), RecognitionTopology.PUBLISH);
    } catch (RejectedException e) {
      context()
          .forward(
              DeadLetter.of(record, context().recordMetadata(), e),
              RecognitionTopology.FRAME_DEAD_LETTERS);
    }
  }

  private RecognitionEvent answer(Record<byte[], byte[]> record, StageTimes times)
      throws RejectedException {
    try {
      ImageReference frame = serdes.readFrame(topics.frames(), record);
      times.lap(Stage.READ);
      return events.of(frame, await(recognizer.submit(frame)), record.timestamp());
    } catch (RegistryWait.Stopped | StreamsException | CancellationException e) {
      throw e; // not handled, so not committed: the next start reads it again
    } catch (RuntimeException e) {
      throw RejectedException.unexpected(times.underWay(), e);
    }
  }

  private static Recognition await(CompletableFuture<Recognition> answer) throws RejectedException {
    try {
      return answer.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RejectedException rejected) {
        throw rejected;
      }
      throw new StreamsException("The frame was not recognised", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StreamsException("Interrupted while a frame was recognised", e);
    }
  }
}
