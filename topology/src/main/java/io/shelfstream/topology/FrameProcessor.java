package io.shelfstream.topology;

import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.gallery.PhotoFilter;
import io.shelfstream.image.PixelBox;
import java.util.List;
import java.util.function.Supplier;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;

/** Each frame becomes one recognition event or one dead letter. */
final class FrameProcessor extends ContextualProcessor<byte[], byte[], Object, Object> {
  private final TopicNames topics;
  private final EventSerdes serdes;
  private final ImageFetcher fetcher;
  private final Supplier<Stages> stages;
  private final RecognitionEvents events;

  /**
   * @param stages asked once for each frame, which passes through what it got to the end
   */
  FrameProcessor(
      TopicNames topics,
      EventSerdes serdes,
      ImageFetcher fetcher,
      Supplier<Stages> stages,
      RecognitionEvents events) {
    this.topics = topics;
    this.serdes = serdes;
    this.fetcher = fetcher;
    this.stages = stages;
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
      byte[] encoded = RecognitionTopology.fetch(fetcher, frame.getUri(), frame.getSha256());
      times.lap(Stage.FETCH);
      List<PixelBox> regions = frame.getRegions().stream().map(Boxes::toPixels).toList();
      Stages now = stages.get();
      PhotoFilter filter = now.filters().of(frame);
      Recognition seen = RecognitionTopology.recognize(now, encoded, regions, filter, times);
      return events.of(frame, seen, record.timestamp());
    } catch (RegistryWait.Stopped e) {
      throw e; // not handled, so not committed: the next start reads it again
    } catch (RuntimeException e) {
      throw RejectedException.unexpected(times.underWay(), e);
    }
  }
}
