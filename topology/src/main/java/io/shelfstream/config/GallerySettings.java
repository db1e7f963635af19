package io.shelfstream.config;

import java.util.Optional;

/**
 * {@code gallery.*}: how photos become vectors.
 *
 * @param applicationId what the embedding application is called; empty: after the vectors topic
 */
public record GallerySettings(Optional<String> applicationId) {

  static GallerySettings from(Settings settings) {
    return new GallerySettings(settings.optional("gallery.application.id", Formats.topicName()));
  }
}
