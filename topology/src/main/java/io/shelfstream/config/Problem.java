package io.shelfstream.config;

import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One thing wrong with the configuration.
 *
 * @param key as the user wrote it
 * @param value what was given; null when nothing was
 * @param origin where it was given: a file, an environment variable, the command line
 * @param remedy what to do, in the imperative
 */
public record Problem(String key, @Nullable String value, @Nullable String origin, String remedy) {

  private static final Pattern SECRET =
      Pattern.compile("password|secret|jaas|token|credential|keystore\\.key|user\\.info");

  static Problem of(String key, Sources.Value given, String remedy) {
    return new Problem(key, given.text(), given.origin(), remedy);
  }

  static Problem missing(String key, String remedy) {
    return new Problem(key, null, null, remedy);
  }

  /** One line; what looks like a secret is not shown. */
  @Override
  public String toString() {
    if (value == null) {
      return key + " is not set: " + remedy;
    }
    return key
        + " = "
        + shown(key, value)
        + (origin == null ? "" : " (" + origin + ")")
        + ": "
        + remedy;
  }

  /** The value, or stars in place of a password. */
  static String shown(String key, String value) {
    return SECRET.matcher(key.toLowerCase(Locale.ROOT)).find() ? "****" : value;
  }
}
