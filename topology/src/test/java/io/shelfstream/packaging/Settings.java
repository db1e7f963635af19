package io.shelfstream.packaging;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** Environment variables that the program or its launcher knows. */
final class Settings {
  // Of deploy/lib/launch.sh.
  private static final Set<String> OF_THE_LAUNCHER = Set.of("SHELFSTREAM_HEAP");

  private Settings() {}

  /** Each key of reference.properties as a variable, and those of the launcher. */
  static Set<String> variables() throws IOException {
    Set<String> variables =
        Files.readAllLines(Path.of("src/main/resources/reference.properties")).stream()
            .filter(line -> line.matches("#?[a-z][a-z0-9.]*[a-z0-9] =.*"))
            .map(line -> line.substring(line.startsWith("#") ? 1 : 0, line.indexOf(" =")))
            .map(key -> "SHELFSTREAM_" + key.toUpperCase(Locale.ROOT).replace('.', '_'))
            .collect(Collectors.toSet());
    variables.addAll(OF_THE_LAUNCHER);
    return variables;
  }
}
