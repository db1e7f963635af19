package io.shelfstream.model;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Reads {@code model.properties} key by key and gathers everything that is wrong with it. */
final class ModelProperties {
  private static final Set<String> FOR_PEOPLE = Set.of("licence", "source");

  private final Path dir;
  private final Properties values;
  private final Set<String> known = new TreeSet<>(FOR_PEOPLE);
  private final List<String> problems = new ArrayList<>();

  ModelProperties(Path dir, Properties values) {
    this.dir = dir;
    this.values = values;
  }

  boolean has(String key) {
    known.add(key);
    return values.containsKey(key);
  }

  String text(String key) {
    known.add(key);
    String value = values.getProperty(key, "").strip();
    if (value.isEmpty()) {
      problems.add(key + " is missing");
    }
    return value;
  }

  Path file(String key) {
    String name = text(key);
    try {
      Path file = dir.resolve(name);
      if (name.isEmpty() || Files.isRegularFile(file)) {
        return file;
      }
    } catch (InvalidPathException e) {
      // The same problem as a file that does not exist.
    }
    problems.add(key + "=" + name + ": there is no such file in " + dir);
    return dir;
  }

  double number(String key, double least, double most) {
    String value = text(key);
    return value.isEmpty() ? least : parse(key, value, least, most);
  }

  /** A whole number from 1 on. */
  int whole(String key, int most) {
    String value = text(key);
    try {
      int number = Integer.parseInt(value);
      if (number >= 1 && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // The same problem as a number out of range.
    }
    if (!value.isEmpty()) {
      problems.add(key + "=" + value + ": expected a whole number from 1 to " + most);
    }
    return 1;
  }

  List<Double> perChannel(String key, double least, double most) {
    String value = text(key);
    String[] parts = value.split(",", -1);
    if (parts.length != 3) {
      if (!value.isEmpty()) {
        problems.add(key + "=" + value + ": expected three numbers, one a channel");
      }
      return List.of(least, least, least);
    }
    return Arrays.stream(parts).map(p -> parse(key, p.strip(), least, most)).toList();
  }

  private double parse(String key, String value, double least, double most) {
    try {
      double number = Double.parseDouble(value);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // The same problem as a number out of range.
    }
    problems.add(key + "=" + value + ": expected a number from " + least + " to " + most);
    return least;
  }

  <E extends Enum<E>> E oneOf(String key, Class<E> type) {
    String value = text(key);
    E[] all = type.getEnumConstants();
    for (E constant : all) {
      if (constant.name().equalsIgnoreCase(value)) {
        return constant;
      }
    }
    if (!value.isEmpty()) {
      problems.add(
          key
              + "="
              + value
              + ": expected "
              + Arrays.stream(all)
                  .map(e -> e.name().toLowerCase(Locale.ROOT))
                  .collect(Collectors.joining(" or ")));
    }
    return all[0];
  }

  /** Keeps what is wrong for {@link #finish}. */
  void problem(String what) {
    problems.add(what);
  }

  /**
   * @throws ModelException with every problem found
   */
  void finish() {
    for (String key : values.stringPropertyNames()) {
      if (!known.contains(key)) {
        problems.add(key + ": unknown key; known are " + String.join(", ", known));
      }
    }
    if (!problems.isEmpty()) {
      throw new ModelException(
          ModelException.Code.CONFIGURATION,
          dir.resolve("model.properties") + ":\n  " + String.join("\n  ", problems));
    }
  }
}
