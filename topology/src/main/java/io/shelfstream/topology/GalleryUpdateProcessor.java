package io.shelfstream.topology;

import io.shelfstream.events.GalleryOutcome;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.gallery.Embeddings;
import io.shelfstream.image.PixelBox;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.jspecify.annotations.Nullable;

/**
 * Embeds each gallery photo once, for all instances: every update becomes a vector (or the removal
 * of one) and a status; what cannot be used becomes a status and a dead letter.
 */
final class GalleryUpdateProcessor extends ContextualProcessor<byte[], byte[], Object, Object> {
  private final TopicNames topics;
  private final EventSerdes serdes;
  private final ImageFetcher fetcher;
  private final GalleryPhotos photos;
  private final String source;

  GalleryUpdateProcessor(
      TopicNames topics,
      EventSerdes serdes,
      ImageFetcher fetcher,
      GalleryPhotos photos,
      String source) {
    this.topics = topics;
    this.serdes = serdes;
    this.fetcher = fetcher;
    this.photos = photos;
    this.source = source;
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    String id = record.key() == null ? "" : new String(record.key(), StandardCharsets.UTF_8);
    GalleryStatus.Builder status =
        GalleryStatus.newBuilder()
            .setGalleryImageId(id)
            .setSourceOffset(offset())
            .setPublishedAt(Instant.ofEpochMilli(record.timestamp()));
    try {
      if (id.isBlank()) {
        throw invalid("Gallery update without a key: its key must be the galleryImageId");
      }
      GalleryVector vector = record.value() == null ? null : embed(id, record, status);
      Headers headers = EventHeaders.handedOn(record.headers());
      context()
          .forward(
              record.withKey(id).withValue(vector).withHeaders(headers),
              RecognitionTopology.GALLERY_VECTORS);
      status.setOutcome(vector == null ? GalleryOutcome.REMOVED : GalleryOutcome.APPLIED);
    } catch (RejectedException e) {
      status.setOutcome(GalleryOutcome.REJECTED).setReason(e.reason()).setMessage(e.message());
      context()
          .forward(
              DeadLetter.of(record, context().recordMetadata(), e),
              RecognitionTopology.GALLERY_DEAD_LETTERS);
    }
    publish(record.withKey(id).withValue(status.setEmbeddedAt(Instant.now()).build()));
  }

  private void publish(Record<String, GalleryStatus> record) {
    GalleryStatus status = record.value();
    var attributes =
        new EventHeaders.Attributes(
            status.getGalleryImageId() + "@" + status.getSourceOffset(),
            source,
            "io.shelfstream.gallery-status.v1",
            record.key(),
            status.getEmbeddedAt(),
            "application/avro");
    var headers =
        EventHeaders.of(record.headers(), TraceContext.continuing(record.headers()), attributes);
    context().forward(record.withHeaders(headers), RecognitionTopology.GALLERY_STATUS);
  }

  private GalleryVector embed(
      String id, Record<byte[], byte[]> record, GalleryStatus.Builder status)
      throws RejectedException {
    GalleryUpdate update = serdes.readUpdate(topics.galleryUpdates(), record);
    status.setProductId(update.getProductId());
    String gtin = check(id, update);
    GalleryPhotos.Embedded embedded;
    try {
      embedded = embedding(update);
    } catch (RuntimeException e) {
      throw RejectedException.unexpected(Stage.EXTRACT, e);
    }
    status.setWarnings(embedded.warnings());
    return GalleryVector.newBuilder()
        .setGalleryImageId(id)
        .setProductId(update.getProductId())
        .setLabel(update.getLabel())
        .setGtin(gtin)
        .setEmbedding(Embeddings.encode(embedded.embedding()))
        .setDimension(embedded.embedding().length)
        .setExtractor(photos.extractorId())
        .setSourceOffset(offset())
        .setAttributes(update.getAttributes())
        .build();
  }

  /** Returns the GTIN in its normal form, or null when there is none. */
  private static @Nullable String check(String id, GalleryUpdate update) throws RejectedException {
    if (!id.equals(update.getGalleryImageId())) {
      throw invalid(
          "Key '%s' differs from galleryImageId '%s'; publish the update under its galleryImageId"
              .formatted(id, update.getGalleryImageId()));
    }
    if (update.getProductId().isBlank() || update.getLabel().isBlank()) {
      throw invalid("Gallery update '" + id + "' lacks a productId or a label; give both");
    }
    if ((update.getUri() == null) == (update.getEmbedding() == null)) {
      throw invalid("Gallery update '" + id + "' needs either a uri or an embedding, not both");
    }
    try {
      return update.getGtin() == null ? null : Gtin.normalise(update.getGtin());
    } catch (IllegalArgumentException e) {
      throw invalid(String.valueOf(e.getMessage()));
    }
  }

  private GalleryPhotos.Embedded embedding(GalleryUpdate update) throws RejectedException {
    if (update.getEmbedding() != null) {
      return new GalleryPhotos.Embedded(ready(update), List.of());
    }
    byte[] photo = RecognitionTopology.fetch(fetcher, update.getUri(), update.getSha256());
    PixelBox crop = update.getCrop() == null ? null : Boxes.toPixels(update.getCrop());
    return photos.embed(photo, crop, update.getDetect());
  }

  /** An embedding that came with the update: of our extractor, and brought to unit length. */
  private float[] ready(GalleryUpdate update) throws RejectedException {
    if (!photos.extractorId().equals(update.getExtractor())) {
      throw invalid(
          "The embedding of '%s' is of extractor '%s', but '%s' is in use: embeddings of different extractors cannot be compared; publish the photo instead"
              .formatted(update.getGalleryImageId(), update.getExtractor(), photos.extractorId()));
    }
    int expected = photos.stages().extractor().dimension();
    List<Float> values = update.getEmbedding();
    if (values.size() != expected) {
      throw invalid(
          "The embedding of '%s' has %d values, expected %d"
              .formatted(update.getGalleryImageId(), values.size(), expected));
    }
    double squares = values.stream().mapToDouble(v -> (double) v * v).sum();
    if (!(squares > 0 && squares < Double.POSITIVE_INFINITY)) {
      throw invalid(
          "The embedding of '%s' is all zero or not finite".formatted(update.getGalleryImageId()));
    }
    float[] unit = new float[expected];
    double length = Math.sqrt(squares);
    for (int i = 0; i < expected; i++) {
      unit[i] = (float) (values.get(i) / length);
    }
    return unit;
  }

  private static RejectedException invalid(String message) {
    return new RejectedException(Stage.READ, RejectedException.Reason.INVALID_RECORD, message);
  }

  private long offset() {
    return context().recordMetadata().map(RecordMetadata::offset).orElse(-1L);
  }
}
