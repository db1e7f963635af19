package io.shelfstream.config;

import java.nio.file.Path;
import java.util.Optional;

/**
 * {@code models.next.dir} and {@code topics.gallery.vectors.next}: the models that will be used
 * when their gallery is complete.
 *
 * @param vectors topic with the vectors of their extractor
 */
public record NextModels(Path directory, String vectors) {

  static Optional<NextModels> from(Settings settings, TopicNames topics, Outputs outputs) {
    Optional<Path> directory = settings.optional("models.next.dir", Formats.path("a directory"));
    String key = "topics.gallery.vectors.next";
    Optional<String> named = settings.optional(key, Formats.topicName());
    if (named.isPresent() && directory.isEmpty()) {
      settings.problem(key, "give models.next.dir, too, or remove it");
    }
    String vectors = named.orElse(topics.galleryVectors() + ".next");
    if (topics.all().contains(vectors) || outputs.topics().contains(vectors)) {
      settings.problem(key, "give every topics.* key a topic of its own, not " + vectors);
    }
    return directory.map(d -> new NextModels(d, vectors));
  }
}
