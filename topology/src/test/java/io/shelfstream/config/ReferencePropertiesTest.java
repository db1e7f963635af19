package io.shelfstream.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The file that documents the settings says what the code does. */
class ReferencePropertiesTest {

  private static final Pattern OPTIONAL = Pattern.compile("(?m)^#([a-z][a-z0-9.]*) =$");
  private static final Pattern SETTING = Pattern.compile("#?([a-z][a-z0-9.]*) =.*");

  private final Path file = reference();

  @Test
  void listsEveryKeyWithItsDefaultAndNoOther() throws IOException {
    Map<String, Optional<String>> documented = new TreeMap<>();
    ConfigFile read = ConfigFile.read(file);
    read.settings().forEach((key, value) -> documented.put(key, Optional.of(value)));
    Matcher optional = OPTIONAL.matcher(Files.readString(file));
    while (optional.find()) {
      documented.put(optional.group(1), Optional.empty());
    }

    assertThat(read.problems()).isEmpty();
    assertThat(documented).isEqualTo(new TreeMap<>(keysAndDefaultsOfTheCode()));
  }

  @Test
  void loadsToTheVeryDefaults() {
    assertThat(ShelfStreamConfig.load(file, Map.of(), Map.of(), false))
        .isEqualTo(ShelfStreamConfig.load(null, Map.of(), Map.of(), false));
  }

  @Test
  void explainsEveryKeyInTheLinesAboveIt() throws IOException {
    String before = "";

    for (String line : Files.readAllLines(file)) {
      Matcher setting = SETTING.matcher(line);
      if (setting.matches() && !setting.group(1).startsWith("topics.")) {
        assertThat(before).as("line above %s", setting.group(1)).startsWith("# ");
      }
      before = line;
    }
  }

  private static Map<String, Optional<String>> keysAndDefaultsOfTheCode() {
    Settings settings = new Settings(new Sources(Map.of(), Map.of(), Map.of(), "none"), List.of());
    ShelfStreamConfig.from(settings);
    return settings.known();
  }

  private static Path reference() {
    try {
      return Path.of(
          Objects.requireNonNull(
                  ShelfStreamConfig.class.getResource("/reference.properties"),
                  "reference.properties on the class path")
              .toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }
}
