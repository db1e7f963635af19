package io.shelfstream.client;

import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.Embeddings;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Updates that bring vectors in as they are, searchable without embedding anything. */
public final class UpdateOfVector {
  private UpdateOfVector() {}

  /** The update that makes this vector again, for services with its extractor. */
  public static GalleryUpdate of(GalleryVector v) {
    List<Float> embedding = new ArrayList<>(v.getDimension());
    for (float value : Embeddings.decode(v.getEmbedding())) {
      embedding.add(value);
    }
    return GalleryUpdate.newBuilder()
        .setGalleryImageId(v.getGalleryImageId())
        .setProductId(v.getProductId())
        .setLabel(v.getLabel())
        .setGtin(v.getGtin())
        .setEmbedding(embedding)
        .setExtractor(v.getExtractor())
        .setSha256(v.getSha256())
        .setAttributes(v.getAttributes())
        .build();
  }

  /** The same for many, one after the other, by id. */
  public static Iterator<Map.Entry<String, @Nullable GalleryUpdate>> all(
      Iterator<GalleryVector> vectors) {
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return vectors.hasNext();
      }

      @Override
      public Map.Entry<String, @Nullable GalleryUpdate> next() {
        GalleryVector vector = vectors.next();
        return Map.entry(vector.getGalleryImageId(), of(vector));
      }
    };
  }
}
