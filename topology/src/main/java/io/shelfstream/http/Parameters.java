package io.shelfstream.http;

import com.linecorp.armeria.common.QueryParams;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.shelfstream.image.PixelBox;
import java.util.Arrays;
import java.util.Optional;

/** The query parameters of a request; what is wrong with one is told to the caller. */
final class Parameters {
  private final QueryParams params;

  private Parameters(QueryParams params) {
    this.params = params;
  }

  static Parameters of(ServiceRequestContext context) {
    return new Parameters(context.queryParams());
  }

  /** A text that is not empty. */
  Optional<String> text(String name) {
    return Optional.ofNullable(params.get(name)).filter(text -> !text.isBlank());
  }

  /**
   * The same, which must be there.
   *
   * @throws RefusedException when it is not
   */
  String required(String name) {
    return text(name)
        .orElseThrow(() -> RefusedException.badRequest("The parameter " + name + " is missing"));
  }

  /** Whether it is 1 or true; also without a value. */
  boolean flag(String name) {
    String value = params.get(name, "0");
    return switch (value) {
      case "1", "true", "" -> true;
      case "0", "false" -> false;
      default ->
          throw RefusedException.badRequest(
              "%s = '%s' is refused; give 1 or 0".formatted(name, value));
    };
  }

  /**
   * One of some words.
   *
   * @param byDefault where it is not given
   */
  String choice(String name, String byDefault, String other) {
    String value = params.get(name, byDefault);
    if (value.equals(byDefault) || value.equals(other)) {
      return value;
    }
    throw RefusedException.badRequest(
        "%s = '%s' is refused; give %s or %s".formatted(name, value, byDefault, other));
  }

  /** A box {@code X1,Y1,X2,Y2} in pixels; empty when it is not given. */
  Optional<PixelBox> box(String name) {
    return text(name)
        .map(
            text -> {
              try {
                int[] sides = sides(text);
                return new PixelBox(sides[0], sides[1], sides[2], sides[3]);
              } catch (NumberFormatException e) {
                // Said below.
              }
              throw RefusedException.badRequest(
                  "%s = '%s' is refused; give four whole numbers of pixels: X1,Y1,X2,Y2"
                      .formatted(name, text));
            });
  }

  /**
   * Four whole numbers {@code X1,Y1,X2,Y2}.
   *
   * @throws NumberFormatException when the text is something else
   */
  static int[] sides(String text) {
    int[] sides =
        Arrays.stream(text.split(",", -1)).map(String::strip).mapToInt(Integer::parseInt).toArray();
    if (sides.length != 4) {
      throw new NumberFormatException(text);
    }
    return sides;
  }

  /** A whole number within bounds, both included. */
  int number(String name, int byDefault, int least, int most) {
    String value = params.get(name, "");
    if (value.isEmpty()) {
      return byDefault;
    }
    try {
      int number = Integer.parseInt(value);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw RefusedException.badRequest(
        "%s = '%s' is refused; give a number from %d to %d".formatted(name, value, least, most));
  }
}
