package io.shelfstream.gallery;

import io.shelfstream.events.GalleryVector;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A record of the vectors topic that can be used. */
@SuppressWarnings("ArrayRecordComponent") // Never compared; lives for one call.
record VectorRecord(GalleryEntry entry, Fingerprint fingerprint, float[] embedding) {

  /**
   * How far an embedding's length may be from 1: float32 rounding is below 1e-6, a fault far above.
   */
  static final double LENGTH_TOLERANCE = 1e-3;

  /** Takes a record that {@link #problem} found nothing wrong with. */
  static VectorRecord of(GalleryVector vector) {
    GalleryEntry entry =
        new GalleryEntry(
            vector.getGalleryImageId(),
            vector.getProductId(),
            vector.getLabel(),
            vector.getGtin(),
            vector.getAttributes());
    ByteBuffer bytes = vector.getEmbedding();
    return new VectorRecord(entry, Fingerprint.of(bytes), Embeddings.decode(bytes));
  }

  /** What keeps a record from being used, or nothing. */
  static Optional<String> problem(
      @Nullable String key, @Nullable GalleryVector vector, int dimension, String extractorId) {
    String why;
    if (key == null || key.isBlank()) {
      why = "its key is empty; galleryImageId expected";
    } else if (vector == null) {
      return Optional.empty();
    } else {
      why = wrong(key, vector, dimension, extractorId);
    }
    return why.isEmpty()
        ? Optional.empty()
        : Optional.of("gallery vector '%s' rejected: %s".formatted(key, why));
  }

  private static String wrong(String key, GalleryVector vector, int dimension, String extractorId) {
    if (!key.equals(vector.getGalleryImageId())) {
      return "it is of photo '%s', not of its key".formatted(vector.getGalleryImageId());
    }
    String missing = missing(vector);
    if (!missing.isEmpty()) {
      return missing + " is missing";
    }
    if (!extractorId.equals(vector.getExtractor())) {
      return "extractor %s expected, got %s; embed the photo again"
          .formatted(extractorId, vector.getExtractor());
    }
    if (vector.getDimension() != dimension) {
      return "dimension %d expected, got %d".formatted(dimension, vector.getDimension());
    }
    int bytes = vector.getEmbedding().remaining();
    if (dimension <= 0 || bytes != (long) dimension * Float.BYTES) {
      return "embedding of %d bytes expected, got %d"
          .formatted((long) dimension * Float.BYTES, bytes);
    }
    double length = Embeddings.length(Embeddings.decode(vector.getEmbedding()));
    // Written so that NaN fails too.
    if (!(Math.abs(length - 1) <= LENGTH_TOLERANCE)) {
      return "embedding of length 1 expected, got %s; L2-normalise it".formatted(length);
    }
    return "";
  }

  // A record that was put together field by field can lack what its schema demands.
  private static String missing(GalleryVector vector) {
    if (Objects.isNull(vector.getProductId())) {
      return "productId";
    }
    if (Objects.isNull(vector.getLabel())) {
      return "label";
    }
    if (Objects.isNull(vector.getEmbedding())) {
      return "embedding";
    }
    Map<String, String> attributes = vector.getAttributes();
    if (Objects.isNull(attributes)
        || attributes.entrySet().stream()
            .anyMatch(e -> Objects.isNull(e.getKey()) || Objects.isNull(e.getValue()))) {
      return "an attribute";
    }
    return "";
  }
}
