package io.shelfstream.config;

import io.shelfstream.gallery.TextFile;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/**
 * A properties file in UTF-8, in the order of its lines. What is wrong with it is collected, not
 * thrown, and what could be read is kept.
 */
record ConfigFile(Map<String, String> settings, List<Problem> problems) {

  static ConfigFile read(Path file) {
    Lines lines = new Lines();
    try {
      lines.load(new StringReader(TextFile.read(file)));
    } catch (TextFile.NotUtf8Exception e) {
      lines.problems.add(
          new Problem(
              "configuration file",
              file.toString(),
              String.valueOf(e.getMessage()),
              "give a readable properties file in UTF-8"));
    } catch (IOException | IllegalArgumentException e) {
      lines.problems.add(
          new Problem(
              "configuration file",
              file.toString(),
              e.getClass().getSimpleName(),
              "give a readable properties file in UTF-8"));
    }
    return new ConfigFile(lines.settings, lines.problems);
  }

  /** {@link Properties} keeps no order, and silently takes the last of two equal keys. */
  private static final class Lines extends Properties {
    private static final long serialVersionUID = 1L;

    private final transient Map<String, String> settings = new LinkedHashMap<>();
    private final transient List<Problem> problems = new ArrayList<>();

    @Override
    public synchronized @Nullable Object put(Object key, Object value) {
      String before = settings.put(key.toString(), value.toString());
      if (before != null) {
        problems.add(
            new Problem(key.toString(), value.toString(), "second time", "set it only once"));
      }
      return before;
    }
  }
}
