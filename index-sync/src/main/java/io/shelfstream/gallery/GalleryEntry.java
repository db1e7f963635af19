package io.shelfstream.gallery;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One photo of a product, as far as an answer needs it: everything but the embedding. */
public record GalleryEntry(
    String galleryImageId,
    String productId,
    String label,
    @Nullable String gtin,
    Map<String, String> attributes) {

  public GalleryEntry {
    attributes = Map.copyOf(attributes);
  }
}
