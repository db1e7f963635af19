package io.shelfstream.cli;

import io.shelfstream.client.GalleryFile;
import io.shelfstream.client.Progress;
import io.shelfstream.embedding.PhotoEmbedder;
import io.shelfstream.evaluate.EmbeddedPhoto;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.gallery.GalleryVectors;
import io.shelfstream.recognition.RejectedException;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;

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
      for (GalleryFile.Photo photo : file.photos()) {
        Gallery.Change change = gallery.apply(vector(photo, photos));
        if (change.rejected()) {
          throw new IllegalStateException(
              "Gallery photo " + photo.file() + " was not applied: " + change.reason());
        }
        progress.step();
      }
    }
  }

  private static GalleryVector vector(GalleryFile.Photo photo, PhotoEmbedder photos)
      throws IOException {
    try {
      float[] embedding = photos.embed(Files.readAllBytes(photo.file()), null, false).embedding();
      return GalleryVectors.of(photo.id(), photo.label(), embedding, photos.extractorId());
    } catch (RejectedException e) {
      throw new IllegalStateException(
          "Gallery photo " + photo.file() + " cannot be used: " + e.message(), e);
    }
  }

  /** Adds photos that are embedded already to a new gallery. */
  static void fill(Gallery gallery, List<EmbeddedPhoto> photos, String extractor) {
    for (EmbeddedPhoto photo : photos) {
      Gallery.Change change =
          gallery.apply(GalleryVectors.of(photo.id(), photo.label(), photo.embedding(), extractor));
      if (change.rejected()) {
        throw new IllegalStateException(
            "Gallery photo " + photo.id() + " was not applied: " + change.reason());
      }
    }
  }

  /** A new, empty gallery. */
  static Gallery empty(String indexType, int dimension, String extractorId) {
    return new Gallery(indexType, dimension, extractorId);
  }
}
