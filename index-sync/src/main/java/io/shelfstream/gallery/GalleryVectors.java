package io.shelfstream.gallery;

import io.shelfstream.events.GalleryVector;

/** Records of the vectors topic, made in this process. */
public final class GalleryVectors {
  private GalleryVectors() {}

  /**
   * A photo of a product that is reported by the product's name.
   *
   * @param galleryImageId unlike that of any other photo
   * @param embedding as the extractor gives it: of unit length
   * @param extractor name and hash of what made the embedding, as model directories give it
   */
  public static GalleryVector of(
      String galleryImageId, String productId, float[] embedding, String extractor) {
    return builder(galleryImageId, productId, productId, embedding, extractor).build();
  }

  /** The same, to be given a GTIN or attributes. */
  public static GalleryVector.Builder builder(
      String galleryImageId, String productId, String label, float[] embedding, String extractor) {
    return GalleryVector.newBuilder()
        .setGalleryImageId(galleryImageId)
        .setProductId(productId)
        .setLabel(label)
        .setEmbedding(Embeddings.encode(embedding))
        .setDimension(embedding.length)
        .setExtractor(extractor)
        .setSourceOffset(0);
  }
}
