package io.shelfstream.config;

import java.util.function.Function;
import java.util.function.Predicate;

/**
 * How a setting is written.
 *
 * @param expected what to write, to follow the word "give"
 * @param parser gets the text without surrounding space; throws IllegalArgumentException (or a
 *     subclass) when it is not as expected
 */
record Format<T>(String expected, Function<String, T> parser) {

  T parse(String text) {
    return parser.apply(text);
  }

  /** The same, refusing some values. */
  Format<T> where(Predicate<T> holds) {
    return new Format<>(
        expected,
        text -> {
          T value = parse(text);
          if (!holds.test(value)) {
            throw new IllegalArgumentException(text);
          }
          return value;
        });
  }
}
