package io.shelfstream.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What was measured, and which goals were missed. */
final class Results {

  private final String bench;
  private final List<String> json = new ArrayList<>();
  private final List<String> missed = new ArrayList<>();

  /**
   * @param bench as the script is called
   */
  Results(String bench) {
    this.bench = bench;
  }

  /** A figure without a goal. */
  void note(String check, String figure, double value) {
    add(check, figure, value, "", true);
  }

  /** A figure that may be at most so much. */
  void atMost(String check, String figure, double value, double most) {
    add(check, figure, value, "<= " + number(most), value <= most);
  }

  /** A figure that must be at least so much. */
  void atLeast(String check, String figure, double value, double least) {
    add(check, figure, value, ">= " + number(least), value >= least);
  }

  /** Times of one kind in one line. */
  void spread(String check, String figure, double p50, double p95, double p99, double most) {
    System.out.printf(
        Locale.ROOT,
        "%-12s %-66s p50 %8.1f  p95 %8.1f  p99 %8.1f  max %8.1f ms%n",
        check,
        figure,
        p50,
        p95,
        p99,
        most);
    json.add(
        "{\"check\": \"%s\", \"figure\": \"%s\", \"p50\": %s, \"p95\": %s, \"p99\": %s, \"max\": %s}"
            .formatted(check, figure, number(p50), number(p95), number(p99), number(most)));
  }

  private void add(String check, String figure, double value, String goal, boolean met) {
    String verdict = goal.isEmpty() ? "" : met ? goal + "  met" : goal + "  MISSED";
    System.out.printf(Locale.ROOT, "%-12s %-58s %12s  %s%n", check, figure, number(value), verdict);
    json.add(
        "{\"check\": \"%s\", \"figure\": \"%s\", \"value\": %s, \"goal\": \"%s\", \"met\": %s}"
            .formatted(check, figure, number(value), goal, met));
    if (!met) {
      missed.add(check + ": " + figure + " " + number(value) + ", goal " + goal);
    }
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, Math.abs(value) >= 1000 ? "%.0f" : "%.3f", value);
  }

  /** Writes the figures and returns the exit code: 1 when a goal was missed. */
  int finish(Path file) throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    Files.writeString(file, "[\n  " + String.join(",\n  ", json) + "\n]\n");
    System.out.println("figures: " + file);
    missed.forEach(goal -> System.err.println("bench " + bench + ": missed goal: " + goal));
    return missed.isEmpty() ? 0 : 1;
  }
}
