package io.shelfstream.messages;

import io.shelfstream.config.Role;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.config.TopicNames;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.fetch.References;
import io.shelfstream.outage.Deadline;
import io.shelfstream.recognition.RejectedException;
import io.shelfstream.recognition.Stage;
import io.shelfstream.registry.AvroSerde;
import io.shelfstream.registry.SchemaRegistryClient;
import io.shelfstream.registry.SchemaRegistryConfig;
import io.shelfstream.registry.SchemaRegistryException;
import java.time.Instant;
import java.util.Map;
import org.apache.avro.generic.IndexedRecord;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.streams.processor.api.Record;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The serdes of all topics, and the checked reading of records that others write.
 *
 * @param registry waited for when a record needs a schema that is not known yet
 */
public record EventSerdes(
    AvroSerde<ImageReference> frames,
    AvroSerde<RecognitionEvent> recognitions,
    AvroSerde<GalleryUpdate> updates,
    AvroSerde<GalleryVector> vectors,
    AvroSerde<GalleryStatus> statuses,
    RegistryWait registry) {

  private static final Logger log = LoggerFactory.getLogger(EventSerdes.class);

  /** Python, .NET and ISO 8601 with four digits can express times from here on. */
  private static final Instant EARLIEST = Instant.parse("0001-01-01T00:00:00Z");

  private static final Instant AFTER_LATEST = Instant.parse("+10000-01-01T00:00:00Z");

  public static EventSerdes with(SchemaRegistryClient registry) {
    return with(registry, SchemaRegistryConfig.of(Map.of()));
  }

  /**
   * Creates the serdes from settings with the names of the official serialisers.
   *
   * @throws SchemaRegistryException when a setting cannot be used
   */
  public static EventSerdes of(Map<String, String> settings) {
    return with(SchemaRegistryClient.create(settings), SchemaRegistryConfig.of(settings));
  }

  private static EventSerdes with(SchemaRegistryClient registry, SchemaRegistryConfig settings) {
    return new EventSerdes(
        AvroSerde.of(ImageReference.class, registry, settings),
        AvroSerde.of(RecognitionEvent.class, registry, settings),
        AvroSerde.of(GalleryUpdate.class, registry, settings),
        AvroSerde.of(GalleryVector.class, registry, settings),
        AvroSerde.of(GalleryStatus.class, registry, settings),
        new RegistryWait());
  }

  /**
   * Registers or finds the schemas, waiting for the registry until the deadline: from then on
   * records are written without it, and publishers find the schemas of what we read. A refusal of
   * the latter is no error: what others registered there may be readable, too.
   *
   * @throws SchemaRegistryException when the registry refuses the schema of a topic that we write,
   *     or does not let us in
   * @throws io.shelfstream.outage.GaveUpException when the deadline is over
   */
  public void prepare(ShelfStreamConfig config, Role role, Deadline deadline) {
    TopicNames topics = config.topics();
    if (role.recognizes()) {
      prepare(recognitions, topics.recognitions(), deadline);
      offer(frames, topics.frames(), deadline);
    }
    if (role.embeds()) {
      prepare(vectors, topics.galleryVectors(), deadline);
      prepare(statuses, topics.galleryStatus(), deadline);
      config.next().ifPresent(next -> prepare(vectors, next.vectors(), deadline));
      offer(updates, topics.galleryUpdates(), deadline);
    }
  }

  private void prepare(AvroSerde<?> serde, String topic, Deadline deadline) {
    registry.untilReachable(
        () -> {
          serde.prepare(topic);
          return true;
        },
        deadline);
  }

  private void offer(AvroSerde<?> serde, String topic, Deadline deadline) {
    try {
      prepare(serde, topic, deadline);
    } catch (SchemaRegistryException e) {
      if (e.isTemporary()) {
        throw e;
      }
      log.atWarn()
          .addKeyValue("topic", topic)
          .log("The schema we read this topic with is not in the registry: {}", e.getMessage());
    }
  }

  public ImageReference readFrame(String topic, Record<byte[], byte[]> record)
      throws RejectedException {
    ImageReference frame = read(frames, topic, record);
    FieldLimits.check(frame);
    requireNoSecret("cameraId", frame.getCameraId());
    requireNoSecret("frameId", frame.getFrameId());
    if (frame.getCameraId().isBlank() || frame.getFrameId().isBlank()) {
      throw new RejectedException(
          Stage.READ,
          RejectedException.Reason.INVALID_RECORD,
          "Image reference without a cameraId or frameId: both identify its event; publish them");
    }
    if (frame.getCapturedAt().isBefore(EARLIEST) || !frame.getCapturedAt().isBefore(AFTER_LATEST)) {
      throw new RejectedException(
          Stage.READ,
          RejectedException.Reason.INVALID_RECORD,
          "capturedAt %d lies outside the years 1 to 9999, which is all that many consumers can read; it is in ms since 1970"
              .formatted(frame.getCapturedAt().toEpochMilli()));
    }
    return frame;
  }

  public GalleryUpdate readUpdate(String topic, Record<byte[], byte[]> record)
      throws RejectedException {
    GalleryUpdate update = read(updates, topic, record);
    FieldLimits.check(update);
    requireNoSecret("galleryImageId", update.getGalleryImageId());
    requireNoSecret("productId", update.getProductId());
    return update;
  }

  /** Ids are written to keys, events and logs, which more people read than the record itself. */
  private static void requireNoSecret(String field, String id) throws RejectedException {
    if (References.holdsSecret(id)) {
      throw new RejectedException(
          Stage.READ,
          RejectedException.Reason.INVALID_RECORD,
          "%s is a data: reference, or a URL with a password or a signature; give it a name of its own, such as '%s'"
              .formatted(field, References.id(id)));
    }
  }

  private <T extends IndexedRecord> T read(
      AvroSerde<T> serde, String topic, Record<byte[], byte[]> record) throws RejectedException {
    if (record.value() == null) {
      throw new RejectedException(
          Stage.READ,
          RejectedException.Reason.UNDECODABLE_RECORD,
          "Record on " + topic + " has no value; expected Avro in the Confluent wire format");
    }
    try {
      return registry.until(
          () -> serde.deserializer().deserialize(topic, record.headers(), record.value()));
    } catch (SerializationException e) {
      throw RejectedException.undecodable(String.valueOf(e.getMessage()), e);
    }
  }

  /** A vector, or null for a removal; waits for the registry like the others. */
  public @Nullable GalleryVector readVector(String topic, Record<byte[], byte[]> record)
      throws RejectedException {
    if (record.value() == null) {
      return null;
    }
    GalleryVector vector = read(vectors, topic, record);
    FieldLimits.check(vector);
    return vector;
  }
}
