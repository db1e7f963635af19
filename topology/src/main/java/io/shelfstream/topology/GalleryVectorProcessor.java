package io.shelfstream.topology;

import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.Gallery;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.state.KeyValueStore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Applies the vectors topic to this instance's gallery, at start and live. Kafka Streams uses one
 * instance to restore and another to follow, and closes neither: the gallery belongs to neither.
 *
 * <p>Never throws for a bad record: an exception here would end the global thread, and with it the
 * client. Runs on the global thread only.
 */
final class GalleryVectorProcessor extends ContextualProcessor<byte[], byte[], Void, Void> {
  private static final Logger log = LoggerFactory.getLogger(GalleryVectorProcessor.class);

  private final TopicNames topics;
  private final EventSerdes serdes;
  private final Gallery gallery;
  private final CatchUp progress;
  private final InFlightPhotos inFlight;

  GalleryVectorProcessor(
      TopicNames topics, EventSerdes serdes, Gallery gallery, InFlightPhotos inFlight) {
    this.topics = topics;
    this.serdes = serdes;
    this.gallery = gallery;
    this.progress = new CatchUp(gallery, System::nanoTime);
    this.inFlight = inFlight;
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    progress.count();
    // Streams drops records without a key during restore but delivers them live.
    String id = record.key() == null ? "" : new String(record.key(), StandardCharsets.UTF_8);
    RecordMetadata source = context().recordMetadata().orElseThrow();
    if (gallery.knows(source.partition(), source.offset(), id, record.value() != null)) {
      remember(id, record.value() == null ? null : source.offset());
      return;
    }
    Gallery.Change change;
    Long sourceOffset = null;
    try {
      GalleryVector vector = serdes.readVector(topics.galleryVectors(), record);
      sourceOffset = vector == null ? null : vector.getSourceOffset();
      change = gallery.apply(source.partition(), source.offset(), id, vector);
    } catch (SerializationException e) {
      change = gallery.skip(source.partition(), source.offset(), id, e.getMessage());
    }
    if (change.rejected()) {
      log.atWarn()
          .addKeyValue("topic", source.topic())
          .addKeyValue("partition", source.partition())
          .addKeyValue("offset", source.offset())
          .addKeyValue("galleryImageId", id)
          .log("Gallery vector was not applied: {}", change.reason());
    } else {
      inFlight.shown(id, sourceOffset, Instant.now());
      remember(id, record.value() == null ? null : source.offset());
    }
  }

  private void remember(String id, @Nullable Long offset) {
    KeyValueStore<String, Long> applied =
        context().getStateStore(RecognitionTopology.VECTORS_STORE);
    applied.put(id, offset);
  }
}
