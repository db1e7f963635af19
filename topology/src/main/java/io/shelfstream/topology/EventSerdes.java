package io.shelfstream.topology;

import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.registry.AvroSerde;
import io.shelfstream.registry.SchemaRegistryClient;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.streams.processor.api.Record;

/** The serdes of all topics, and the reading of records that strangers write. */
public record EventSerdes(
    Serde<ImageReference> frames,
    Serde<RecognitionEvent> recognitions,
    Serde<GalleryUpdate> updates,
    Serde<GalleryVector> vectors,
    Serde<GalleryStatus> statuses) {

  public static EventSerdes with(SchemaRegistryClient registry) {
    return new EventSerdes(
        AvroSerde.of(ImageReference.class, registry),
        AvroSerde.of(RecognitionEvent.class, registry),
        AvroSerde.of(GalleryUpdate.class, registry),
        AvroSerde.of(GalleryVector.class, registry),
        AvroSerde.of(GalleryStatus.class, registry));
  }

  ImageReference readFrame(String topic, Record<byte[], byte[]> record) throws RejectedException {
    ImageReference frame = read(frames, topic, record);
    if (frame.getCameraId().isBlank() || frame.getFrameId().isBlank()) {
      throw new RejectedException(
          Stage.READ,
          RejectedException.Reason.INVALID_RECORD,
          "Image reference without a cameraId or frameId: both identify its event; publish them");
    }
    return frame;
  }

  GalleryUpdate readUpdate(String topic, Record<byte[], byte[]> record) throws RejectedException {
    return read(updates, topic, record);
  }

  private static <T> T read(Serde<T> serde, String topic, Record<byte[], byte[]> record)
      throws RejectedException {
    if (record.value() == null) {
      throw new RejectedException(
          Stage.READ,
          RejectedException.Reason.UNDECODABLE_RECORD,
          "Record on " + topic + " has no value; expected Avro in the Confluent wire format");
    }
    try {
      return serde.deserializer().deserialize(topic, record.value());
    } catch (SerializationException e) {
      throw RejectedException.undecodable(String.valueOf(e.getMessage()), e);
    }
  }
}
