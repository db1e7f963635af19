package io.shelfstream.follower;

import io.shelfstream.config.NodeNames;
import io.shelfstream.config.TopicNames;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.logging.RepeatedWarning;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.messages.FieldLimits;
import io.shelfstream.messages.RecordHeaderText;
import io.shelfstream.messages.SourcePosition;
import io.shelfstream.recognition.RejectedException;
import io.shelfstream.streams.FailedRecords;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Applies the vectors topic to this instance's gallery, at start and live. Kafka Streams uses one
 * processor object to restore and another to follow, and closes neither, so the gallery belongs to
 * neither.
 *
 * <p>Never throws for a bad record: an exception here would end the global thread, and with it the
 * client. A fault in our code does end it; then the gallery is built again, and when the same
 * record has failed twice it is skipped ({@link FailedRecords}). No dead letter is written for a
 * bad record, because every instance reads the topic at each start, and each would write one. The
 * metric {@code rejected-vectors} counts them; the log names the first, and of many the last of
 * each ten seconds. Runs on the global thread only.
 */
public final class GalleryVectorProcessor extends ContextualProcessor<byte[], byte[], Void, Void> {
  private static final Logger log = LoggerFactory.getLogger(GalleryVectorProcessor.class);

  private final TopicNames topics;
  private final EventSerdes serdes;
  private final Gallery gallery;
  private final CatchUp progress;
  private final InFlightPhotos inFlight;
  private final FailedRecords failed;
  private final RepeatedWarning rejected = new RepeatedWarning();
  private @Nullable Sensor rejectedVectors;

  public GalleryVectorProcessor(
      TopicNames topics,
      EventSerdes serdes,
      Gallery gallery,
      InFlightPhotos inFlight,
      FailedRecords failed) {
    this.topics = topics;
    this.serdes = serdes;
    this.gallery = gallery;
    this.progress = new CatchUp(gallery, System::nanoTime);
    this.inFlight = inFlight;
    this.failed = failed;
  }

  @Override
  public void init(ProcessorContext<Void, Void> context) {
    super.init(context);
    rejectedVectors =
        context
            .metrics()
            .addRateTotalSensor(
                "shelfstream",
                context.taskId().toString(),
                "rejected-vectors",
                Sensor.RecordingLevel.INFO);
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    progress.count();
    SourcePosition source = SourcePosition.of(context().recordMetadata().orElseThrow());
    failed.guard(source, () -> apply(record, source));
  }

  private void apply(Record<byte[], byte[]> record, SourcePosition source) {
    // Streams drops records without a key during restore but delivers them live.
    String id = Objects.requireNonNullElse(RecordHeaderText.text(record.key()), "");
    if (gallery.confirmIfCovered(source.partition(), source.offset(), id, record.value() != null)) {
      remember(id, record.value() == null ? null : source.offset());
      return;
    }
    Gallery.Change change;
    Long sourceOffset = null;
    try {
      Optional<RejectedException> setAside = failed.setAside(source);
      if (setAside.isPresent()) {
        throw setAside.get();
      }
      id = FieldLimits.key(record.key());
      GalleryVector vector = serdes.readVector(topics.galleryVectors(), record);
      sourceOffset = vector == null ? null : vector.getSourceOffset();
      change = gallery.apply(source.partition(), source.offset(), id, vector);
    } catch (RejectedException e) {
      change = gallery.skip(source.partition(), source.offset(), id, e.message());
    }
    if (change.rejected()) {
      if (rejectedVectors != null) {
        rejectedVectors.record();
      }
      rejected.log(
          log.atWarn()
              .addKeyValue("topic", source.topic())
              .addKeyValue("partition", source.partition())
              .addKeyValue("offset", source.offset())
              .addKeyValue("galleryImageId", id),
          "Gallery vector was not applied: {}",
          String.valueOf(change.reason()));
    } else {
      inFlight.shown(id, sourceOffset, Instant.now());
      remember(id, record.value() == null ? null : source.offset());
    }
  }

  private void remember(String id, @Nullable Long offset) {
    KeyValueStore<String, Long> applied = context().getStateStore(NodeNames.VECTORS_STORE);
    applied.put(id, offset);
  }
}
