package io.shelfstream.config;

import java.util.List;

/** Names of the topics; the defaults are those of the published contract. */
public record TopicNames(
    String frames,
    String recognitions,
    String galleryUpdates,
    String galleryVectors,
    String galleryStatus,
    String deadLetters) {

  public static final TopicNames DEFAULT =
      new TopicNames(
          "shelf.frames",
          "shelf.recognitions",
          "shelf.gallery.updates",
          "shelf.gallery.vectors",
          "shelf.gallery.status",
          "shelf.dead-letters");

  /** The same with the vectors of another extractor. */
  public TopicNames withGalleryVectors(String vectors) {
    return new TopicNames(
        frames, recognitions, galleryUpdates, vectors, galleryStatus, deadLetters);
  }

  /** All six names. */
  public List<String> all() {
    return List.of(
        frames, recognitions, galleryUpdates, galleryVectors, galleryStatus, deadLetters);
  }
}
