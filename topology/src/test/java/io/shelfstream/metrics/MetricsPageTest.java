package io.shelfstream.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/** The page for operators lists every metric as it is. */
class MetricsPageTest {
  @Test
  void thePageHasARowForEachMetric() throws Exception {
    String page = Files.readString(Path.of("../docs/http.md"));
    assertThat(Metric.values()).allSatisfy(metric -> assertThat(page).contains(row(metric) + "\n"));
    assertThat(page.lines().filter(line -> line.startsWith("| `shelfstream_")))
        .as("rows of metrics that are no more")
        .hasSize(Metric.values().length);
  }

  private static String row(Metric metric) {
    return "| `%s` | %s | %s | %s |"
        .formatted(
            metric.prometheusName(),
            metric.kind().name().toLowerCase(Locale.ROOT),
            String.join(", ", metric.tags()),
            metric.meaning());
  }
}
