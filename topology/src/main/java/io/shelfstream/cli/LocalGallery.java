package io.shelfstream.cli;

import io.shelfstream.client.GalleryFile;
import io.shelfstream.client.Progress;
import io.shelfstream.embedding.PhotoEmbedder;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.Embeddings;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.recognition.RejectedException;
import java.io.IOException;
import java.nio.file.Files;

/** A gallery made from a file in this process, without Kafka. */
final class LocalGallery {
  private LocalGallery() {}

  /**
   * Embeds every photo of a gallery file into a new gallery.
   *
   * @throws IllegalStateException naming the first photo that cannot be used
   */
  static void fill(Gallery gallery, GalleryFile file, PhotoEmbedder photos) throws IOException {
    try (Progress progress = new Progress("Embedding gallery photos", file.photos().size())) {
      long offset = 0;
      for (GalleryFile.Photo photo : file.photos()) {
        Gallery.Change change = gallery.apply(0, offset, photo.id(), vector(photo, photos, offset));
        if (change.rejected()) {
          throw new IllegalStateException(
              "Gallery photo " + photo.file() + " was not applied: " + change.reason());
        }
        offset++;
        progress.step();
      }
    }
  }

  private static GalleryVector vector(GalleryFile.Photo photo, PhotoEmbedder photos, long offset)
      throws IOException {
    try {
      float[] embedding = photos.embed(Files.readAllBytes(photo.file()), null, false).embedding();
      return GalleryVector.newBuilder()
          .setGalleryImageId(photo.id())
          .setProductId(photo.label())
          .setLabel(photo.label())
          .setEmbedding(Embeddings.encode(embedding))
          .setDimension(embedding.length)
          .setExtractor(photos.extractorId())
          .setSourceOffset(offset)
          .build();
    } catch (RejectedException e) {
      throw new IllegalStateException(
          "Gallery photo " + photo.file() + " cannot be used: " + e.message(), e);
    }
  }

  /** A new, empty gallery. */
  static Gallery empty(String indexType, int dimension, String extractorId) {
    return new Gallery(indexType, dimension, extractorId);
  }
}
