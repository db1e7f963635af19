package io.shelfstream.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads settings one by one and collects what is wrong, so that all problems are reported together.
 * A setting that cannot be used has its default until {@link #finish} throws.
 */
final class Settings {

  private static final Logger log = LoggerFactory.getLogger(Settings.class);
  private static final String KAFKA = "kafka.";

  private final Sources sources;
  private final List<Problem> problems;
  private final Map<String, Optional<String>> known = new LinkedHashMap<>();
  private final Set<String> prefixes = new TreeSet<>(Set.of(KAFKA));

  /**
   * @param problems found already, when the file was read
   */
  Settings(Sources sources, List<Problem> problems) {
    this.sources = sources;
    this.problems = new ArrayList<>(problems);
  }

  /** A setting with a default, which is written as a user would write it. */
  <T> T get(String key, String fallback, Format<T> format) {
    known.put(key, Optional.of(fallback));
    Sources.Value given = sources.find(key);
    Optional<T> parsed = given == null ? Optional.empty() : parse(key, given, format);
    return parsed.orElseGet(() -> format.parse(fallback));
  }

  /** A setting without a default; a blank value counts as not given. */
  <T> Optional<T> optional(String key, Format<T> format) {
    known.put(key, Optional.empty());
    Sources.Value given = sources.find(key);
    return given == null || given.text().isBlank() ? Optional.empty() : parse(key, given, format);
  }

  private <T> Optional<T> parse(String key, Sources.Value given, Format<T> format) {
    try {
      return Optional.of(format.parse(given.text().strip()));
    } catch (IllegalArgumentException e) {
      problems.add(Problem.of(key, given, "give " + format.expected()));
      return Optional.empty();
    }
  }

  /** Kafka's own settings, untouched. */
  Map<String, String> kafka(Map<String, String> defaults) {
    defaults.forEach((key, value) -> known.put(KAFKA + key, Optional.of(value)));
    Map<String, String> settings = new TreeMap<>(defaults);
    settings.putAll(sources.below(KAFKA));
    return settings;
  }

  /** Everything under a prefix, by its whole key; not checked here. */
  Map<String, String> below(String prefix) {
    prefixes.add(prefix);
    Map<String, String> found = new TreeMap<>();
    sources.below(prefix).forEach((key, value) -> found.put(prefix + key, value));
    return found;
  }

  /** Refuses a key under kafka.* for which we have our own. */
  void refuseKafka(String key, String ours) {
    String value = sources.below(KAFKA).get(key);
    if (value != null) {
      problems.add(new Problem(KAFKA + key, value, null, "set " + ours + " instead"));
    }
  }

  /** Refuses all values of a key under kafka.* but one. */
  void requireKafka(String key, String only, String remedy) {
    Sources.Value given = sources.find(KAFKA + key);
    if (given != null && !given.text().strip().equals(only)) {
      problems.add(Problem.of(KAFKA + key, given, remedy));
    }
  }

  /** Adds a problem of several settings together, or of a missing one, unless the key has one. */
  void problem(String key, String remedy) {
    if (problems.stream().anyMatch(problem -> problem.key().equals(key))) {
      return;
    }
    Sources.Value given = sources.find(key);
    problems.add(given == null ? Problem.missing(key, remedy) : Problem.of(key, given, remedy));
  }

  /**
   * Call when all settings have been read: whatever else was given is unknown.
   *
   * @throws ConfigException when anything was wrong
   */
  void finish() {
    sources.given().forEach(this::refuseUnknown);
    sources.variables().forEach(this::warnOfUnknown);
    if (!problems.isEmpty()) {
      throw new ConfigException(problems);
    }
  }

  /** Every key that was asked for, with its default where it has one. */
  Map<String, Optional<String>> known() {
    return known;
  }

  private void refuseUnknown(String key, Sources.Value given) {
    if (!isKnown(key)) {
      String suggestion = Suggestion.among(known.keySet(), key);
      problems.add(
          Problem.of(
              key,
              given,
              "unknown key; "
                  + (suggestion == null
                      ? "remove it (reference.properties lists all keys)"
                      : "did you mean " + suggestion + "?")));
    }
  }

  /**
   * Variables are not refused: launchers have their own, and Kubernetes adds SHELFSTREAM_PORT and
   * the like to every pod if there is a service with our name.
   */
  private void warnOfUnknown(String variable, String key) {
    boolean mayBeOurs = key.contains(".") && !isKnown(key); // all our keys have a group
    String suggestion = mayBeOurs ? Suggestion.among(known.keySet(), key) : null;
    if (suggestion != null) {
      log.atWarn()
          .addKeyValue("variable", variable)
          .addKeyValue("similarKey", suggestion)
          .log("Environment variable sets nothing; name it after the key, or remove it");
    }
  }

  private boolean isKnown(String key) {
    return known.containsKey(key) || prefixes.stream().anyMatch(key::startsWith);
  }
}
