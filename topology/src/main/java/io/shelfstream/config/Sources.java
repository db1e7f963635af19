package io.shelfstream.config;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Where settings come from, in the order of precedence: the command line, the environment, the
 * file.
 *
 * @param environment of the process; only SHELFSTREAM_… is used
 * @param fileName as shown in messages
 */
record Sources(
    Map<String, String> commandLine,
    Map<String, String> environment,
    Map<String, String> file,
    String fileName) {

  private static final String COMMAND_LINE = "command line";
  private static final String VARIABLE_PREFIX = "SHELFSTREAM_";

  /** A setting as it was given, and where. */
  record Value(String text, String origin) {}

  @Nullable Value find(String key) {
    String variable = variable(key);
    if (commandLine.containsKey(key)) {
      return new Value(commandLine.getOrDefault(key, ""), COMMAND_LINE);
    }
    if (environment.containsKey(variable)) {
      return new Value(environment.getOrDefault(variable, ""), "environment " + variable);
    }
    return file.containsKey(key) ? new Value(file.getOrDefault(key, ""), fileName) : null;
  }

  /**
   * Everything under a prefix, without the prefix. A variable gives a lower-case key, with dots for
   * its underscores.
   */
  Map<String, String> below(String prefix) {
    Map<String, String> found = new TreeMap<>();
    putBelow(prefix, file, found);
    environment.forEach(
        (name, value) -> {
          if (name.startsWith(variable(prefix))) {
            found.put(dotted(name.substring(variable(prefix).length())), value);
          }
        });
    putBelow(prefix, commandLine, found);
    return found;
  }

  private static void putBelow(String prefix, Map<String, String> from, Map<String, String> found) {
    from.forEach(
        (key, value) -> {
          if (key.startsWith(prefix)) {
            found.put(key.substring(prefix.length()), value);
          }
        });
  }

  /** All keys given by file or command line, each with the value that applies. */
  Map<String, Value> given() {
    Map<String, Value> given = new LinkedHashMap<>();
    file.forEach((key, value) -> given.put(key, new Value(value, fileName)));
    commandLine.forEach((key, value) -> given.put(key, new Value(value, COMMAND_LINE)));
    return given;
  }

  /** Names of our variables in the environment, as the keys they would set. */
  Map<String, String> variables() {
    Map<String, String> keys = new TreeMap<>();
    environment
        .keySet()
        .forEach(
            name -> {
              if (name.startsWith(VARIABLE_PREFIX)) {
                keys.put(name, dotted(name.substring(VARIABLE_PREFIX.length())));
              }
            });
    return keys;
  }

  private static String dotted(String variable) {
    return variable.toLowerCase(Locale.ROOT).replace('_', '.');
  }

  private static String variable(String key) {
    return VARIABLE_PREFIX + key.toUpperCase(Locale.ROOT).replace('.', '_');
  }
}
