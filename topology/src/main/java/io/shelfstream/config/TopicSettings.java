package io.shelfstream.config;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Reads {@code topics.*}. The same topic for two purposes would make the service read its own
 * output.
 */
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

  /** Optional topics, used only when they are named. */
  static Outputs outputs(Settings settings, String applicationId, TopicNames topics) {
    Optional<String> json = settings.optional("topics.recognitions.json", Formats.topicName());
    Optional<String> epcis = settings.optional("topics.recognitions.epcis", Formats.topicName());
    refuseTaken(settings, "topics.recognitions.json", json, topics.all());
    List<String> taken = Stream.concat(topics.all().stream(), json.stream()).toList();
    refuseTaken(settings, "topics.recognitions.epcis", epcis, taken);
    return new Outputs(Outputs.sourceOf(applicationId), json, epcis);
  }

  private static void refuseTaken(
      Settings settings, String key, Optional<String> name, List<String> taken) {
    if (name.filter(taken::contains).isPresent()) {
      settings.problem(key, "give every topics.* key a topic of its own, not " + name.get());
    }
  }

  private static String name(
      Settings settings, Map<String, String> names, String key, String fallback) {
    String name = settings.get(key, fallback, Formats.topicName());
    names.put(key, name);
    return name;
  }
}
