package io.shelfstream.monitoring;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What lies in deploy/monitoring. */
public final class MonitoringFiles {
  public static final Path FOLDER = Path.of("../deploy/monitoring").toAbsolutePath().normalize();
  public static final Path RULES = FOLDER.resolve("shelfstream-alerts.yml");
  public static final Path RULE_TESTS = FOLDER.resolve("shelfstream-alerts-test.yml");

  private static final Pattern ALERT =
      Pattern.compile(
          "- alert: (\\w+)\\n.*?severity: (\\w+)}.*?\\n\\s+summary: \"(.*?)\"\\n\\s+description: \"(.*?)\"\\n",
          Pattern.DOTALL);

  private static final Pattern METRIC =
      Pattern.compile("\\b(?:shelfstream|kafka|jvm|process|system)_[a-z0-9_]+");

  private MonitoringFiles() {}

  /** One rule; its texts are on one line each. */
  public record Alert(String name, String severity, String summary, String description) {}

  public static List<Alert> alerts() throws IOException {
    List<Alert> alerts = new ArrayList<>();
    Matcher alert = ALERT.matcher(Files.readString(RULES));
    while (alert.find()) {
      alerts.add(new Alert(alert.group(1), alert.group(2), alert.group(3), alert.group(4)));
    }
    return alerts;
  }

  /** Every expression of the dashboard, as it is written there. */
  public static List<String> expressions() throws IOException {
    List<String> expressions = new ArrayList<>();
    dashboard()
        .findValues("targets")
        .forEach(
            targets -> targets.forEach(target -> expressions.add(target.get("expr").asText())));
    return expressions;
  }

  public static JsonNode dashboard() throws IOException {
    return new ObjectMapper().readTree(FOLDER.resolve("shelfstream-dashboard.json").toFile());
  }

  /** Metrics that rules and dashboard go by. */
  public static Set<String> metrics() throws IOException {
    Set<String> metrics = new TreeSet<>();
    String rules = Files.readString(RULES).replaceAll("(?m)^\\s*(#|summary:|description:).*$", "");
    for (String text : List.of(rules, String.join("\n", expressions()))) {
      Matcher metric = METRIC.matcher(text);
      while (metric.find()) {
        metrics.add(metric.group());
      }
    }
    return metrics;
  }
}
