package io.shelfstream.config;

import io.shelfstream.topology.TopicNames;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/** Reads {@code topics.*}. Two roles on one topic would feed the service its own output. */
final class TopicSettings {

  private TopicSettings() {}

  static TopicNames from(Settings settings) {
    TopicNames defaults = TopicNames.DEFAULT;
    Map<String, String> names = new LinkedHashMap<>();
    TopicNames read =
        new TopicNames(
            name(settings, names, "topics.frames", defaults.frames()),
            name(settings, names, "topics.recognitions", defaults.recognitions()),
            name(settings, names, "topics.gallery.updates", defaults.galleryUpdates()),
            name(settings, names, "topics.gallery.vectors", defaults.galleryVectors()),
            name(settings, names, "topics.gallery.status", defaults.galleryStatus()),
            name(settings, names, "topics.dead.letters", defaults.deadLetters()));
    Collection<String> all = names.values();
    names.forEach(
        (key, name) -> {
          if (all.stream().filter(name::equals).count() > 1) {
            settings.problem(key, "give every topics.* key a topic of its own, not " + name);
          }
        });
    return read;
  }

  private static String name(
      Settings settings, Map<String, String> names, String key, String fallback) {
    String name = settings.get(key, fallback, Formats.topicName());
    names.put(key, name);
    return name;
  }
}
