package io.shelfstream.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.metrics.KafkaMetric;
import io.shelfstream.metrics.Metric;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The page for operators lists every metric and every alert as it is. */
class MonitoringPageTest {
  private String page = "";

  @BeforeEach
  void read() throws Exception {
    page = Files.readString(Path.of("../docs/operating.md"));
  }

  private List<String> rows(String... beginnings) {
    return page.lines()
        .filter(line -> Stream.of(beginnings).anyMatch(b -> line.startsWith("| `" + b)))
        .toList();
  }

  @Test
  void thePageHasARowForEachMetricAndSaysWhatToDo() {
    List<String> expected = new ArrayList<>();
    for (Metric metric : Metric.values()) {
      expected.add(
          "| `%s` | %s | %s | %s | "
              .formatted(
                  metric.prometheusName(),
                  metric.kind().name().toLowerCase(Locale.ROOT),
                  String.join(", ", metric.tags()),
                  metric.meaning()));
    }
    List<String> rows = rows("shelfstream_", "process_resident");
    assertThat(
            rows.stream().map(row -> row.substring(0, row.lastIndexOf("| ", row.length() - 3) + 2)))
        .containsExactlyElementsOf(expected);
    assertThat(rows).allSatisfy(row -> assertThat(row).as("what to do").doesNotEndWith("|  |"));
  }

  @Test
  void thePageHasARowForEachFigureOfKafka() {
    assertThat(rows("kafka_"))
        .containsExactlyElementsOf(
            Arrays.stream(KafkaMetric.values())
                .map(metric -> "| `%s` | %s |".formatted(metric.prometheusName(), metric.meaning()))
                .toList());
  }

  @Test
  void thePageHasARowForEachAlert() throws Exception {
    assertThat(rows("Shelfstream"))
        .containsExactlyElementsOf(
            MonitoringFiles.alerts().stream()
                .map(a -> "| `%s` | %s | %s |".formatted(a.name(), a.severity(), a.description()))
                .toList());
  }

  @Test
  void eachAlertHasATestThatItFiresAndOneThatItDoesNot() throws Exception {
    String rules = Files.readString(MonitoringFiles.RULES);
    List<MonitoringFiles.Alert> alerts = MonitoringFiles.alerts();
    assertThat(alerts).hasSize(rules.split("- alert:", -1).length - 1);
    String tests = Files.readString(MonitoringFiles.RULE_TESTS);
    assertThat(alerts)
        .allSatisfy(
            alert ->
                assertThat(tests)
                    .contains("- name: " + alert.name() + " fires\n")
                    .contains("{alertname=\"" + alert.name() + "\"}")
                    .contains("- name: " + alert.name() + " does not fire\n"));
  }

  @Test
  void everyPanelOfTheDashboardHasItsOwnIdAndAsksTheChosenPrometheus() throws Exception {
    var panels = MonitoringFiles.dashboard().get("panels");
    List<Integer> ids = new ArrayList<>();
    for (var panel : panels) {
      ids.add(panel.get("id").asInt());
      if (!panel.get("type").asText().equals("row")) {
        assertThat(panel.get("datasource").get("uid").asText()).isEqualTo("${datasource}");
        assertThat(panel.get("targets")).isNotEmpty();
      }
    }
    assertThat(ids).doesNotHaveDuplicates().hasSizeGreaterThan(30);
  }
}
