package io.shelfstream.config;

import java.util.List;
import java.util.stream.Collectors;

/**
 * The configuration cannot be used. The message lists every problem, one a line, with its remedy.
 */
public final class ConfigException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final transient List<Problem> problems;

  ConfigException(List<Problem> problems) {
    super(
        problems.stream()
            .map(Problem::toString)
            .collect(
                Collectors.joining(
                    "\n  ",
                    "The configuration has "
                        + (problems.size() == 1 ? "one problem" : problems.size() + " problems")
                        + ":\n  ",
                    "")));
    this.problems = List.copyOf(problems);
  }

  /** At least one. */
  public List<Problem> problems() {
    return problems;
  }
}
