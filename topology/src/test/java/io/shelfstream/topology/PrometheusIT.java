package io.shelfstream.topology;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shelfstream.InstalledProgram;
import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.monitoring.MonitoringFiles;
import io.shelfstream.recognition.Pictures;
import java.awt.Color;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Alert rules and dashboard with Prometheus itself. Skipped where its programs are neither on the
 * path nor where deploy/test puts them.
 */
@ExtendWith(SharedBroker.class)
class PrometheusIT {
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  @TempDir Path folder;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final ObjectMapper json = new ObjectMapper();

  private static Path program(String name) {
    return InstalledProgram.find(
        name, "install Debian's prometheus, or run deploy/test", "prometheus");
  }

  private static void promtool(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(program("promtool").toString()));
    command.addAll(List.of(arguments));
    Process run =
        new ProcessBuilder(command)
            .directory(MonitoringFiles.FOLDER.toFile())
            .redirectErrorStream(true)
            .start();
    String said = new String(run.getInputStream().readAllBytes(), UTF_8);
    assertThat(run.waitFor()).as(said).isZero();
  }

  @Test
  void promtoolTakesTheRulesAndTheExample() throws Exception {
    promtool("check", "rules", MonitoringFiles.RULES.toString());
    promtool("check", "config", "prometheus.yml");
  }

  @Test
  void eachAlertFiresWhenItShouldAndOnlyThen() throws Exception {
    promtool("test", "rules", MonitoringFiles.RULE_TESTS.toString());
  }

  @Test
  void everyQueryOfTheDashboardReturnsDataAndEveryRuleGoesByMetricsThatAreThere(
      EmbeddedBroker broker, TestInfo test) throws Exception {
    Path prometheus = program("prometheus");
    TestTopics topics = new TestTopics(broker.bootstrapServers(), folder, test);
    try (RecognitionService service =
        RecognitionService.start(
            topics.config(
                Map.of(
                    "http.port", "0",
                    "index.snapshot.dir", folder.resolve("snapshots").toString(),
                    "index.snapshot.interval", "1s")))) {
      int port = freePort();
      Path log = folder.resolve("prometheus.log");
      Process running =
          new ProcessBuilder(
                  prometheus.toString(),
                  "--config.file=" + configuration(service.httpPort().orElseThrow()),
                  "--storage.tsdb.path=" + folder.resolve("data"),
                  "--web.listen-address=127.0.0.1:" + port)
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      Thread traffic = new Thread(() -> traffic(topics, service), "traffic");
      traffic.setDaemon(true);
      try {
        traffic.start();
        Set<String> queries = new LinkedHashSet<>();
        MonitoringFiles.expressions().forEach(e -> queries.add(filledIn(e)));
        MonitoringFiles.metrics().forEach(metric -> queries.add("count(" + metric + ")"));
        assertThat(queries).hasSizeGreaterThan(80);
        awaitData(port, queries, running, log);

        JsonNode rules = evaluatedRules(port);
        assertThat(rules).hasSize(MonitoringFiles.alerts().size());
        assertThat(rules)
            .allSatisfy(
                rule -> assertThat(rule.get("health").asText()).as("%s", rule).isEqualTo("ok"));
      } finally {
        traffic.interrupt();
        traffic.join(10_000);
        running.destroy();
        running.waitFor(10, TimeUnit.SECONDS);
      }
    }
  }

  private static int freePort() throws Exception {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return free.getLocalPort();
    }
  }

  /** The example, with a scrape each second and this service. */
  private Path configuration(int servicePort) throws Exception {
    String example = Files.readString(MonitoringFiles.FOLDER.resolve("prometheus.yml"));
    String configuration =
        example
            .replace("interval: 15s", "interval: 1s")
            .replace("127.0.0.1:8080", "127.0.0.1:" + servicePort)
            .replace("- shelfstream-alerts.yml", "- " + MonitoringFiles.RULES);
    assertThat(configuration).contains("interval: 1s", ":" + servicePort, "/shelfstream-alerts");
    Path file = folder.resolve("prometheus.yml");
    return Files.writeString(file, configuration);
  }

  private static String filledIn(String expression) {
    String filledIn =
        expression
            .replace("$__rate_interval", "15s")
            .replace("$job", "shelfstream")
            .replace("$instance", ".*");
    assertThat(filledIn).doesNotContain("$");
    return filledIn;
  }

  /** Of everything a little, until it is interrupted. */
  private void traffic(TestTopics topics, RecognitionService service) {
    URI recognize =
        URI.create("http://127.0.0.1:%d/api/recognize".formatted(service.httpPort().orElseThrow()));
    try (KafkaProducer<String, byte[]> producer = topics.producer(null)) {
      for (int i = 0; ; i++) {
        topics.publish(Pictures.uri(Pictures.plain(Color.RED)), 4);
        topics.update(Map.of("photo-" + i % 5, new Color(255, i % 200, 0)));
        producer.send(
            new ProducerRecord<>(topics.names().frames(), "c", "no frame".getBytes(UTF_8)));
        client.send(
            HttpRequest.newBuilder(recognize)
                .POST(BodyPublishers.ofByteArray(Pictures.plain(Color.RED)))
                .build(),
            BodyHandlers.discarding());
        Thread.sleep(500);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the test is over
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private void awaitData(int port, Set<String> queries, Process running, Path log)
      throws Exception {
    Set<String> missing = new LinkedHashSet<>(queries);
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      assertThat(running.isAlive()).as(Files.readString(log)).isTrue();
      for (String query : List.copyOf(missing)) {
        if (returnsNumbers(port, query)) {
          missing.remove(query);
        }
      }
      if (missing.isEmpty()) {
        return;
      }
      assertThat(System.nanoTime()).as("no data: %s", missing).isLessThan(deadline);
      Thread.sleep(1000);
    }
  }

  private boolean returnsNumbers(int port, String query) throws Exception {
    JsonNode answer;
    try {
      answer = ask(port, "query?query=" + URLEncoder.encode(query, UTF_8));
    } catch (java.net.ConnectException e) {
      return false; // it starts
    }
    if (answer.path("errorType").asText().equals("bad_data")) {
      throw new AssertionError(query + ": " + answer);
    }
    JsonNode result = answer.path("data").path("result");
    for (JsonNode series : result) {
      if (series.get("value").get(1).asText().equals("NaN")) {
        return false;
      }
    }
    return !result.isEmpty();
  }

  /** The rules, once each was evaluated. */
  private JsonNode evaluatedRules(int port) throws Exception {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      JsonNode rules = ask(port, "rules").path("data").path("groups").path(0).path("rules");
      boolean all = !rules.isEmpty();
      for (JsonNode rule : rules) {
        all &= !rule.get("health").asText().equals("unknown");
      }
      if (all) {
        return rules;
      }
      assertThat(System.nanoTime()).as("not evaluated: %s", rules).isLessThan(deadline);
      Thread.sleep(500);
    }
  }

  /** The answer; empty while Prometheus starts, which says so in plain text. */
  private JsonNode ask(int port, String what) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:%d/api/v1/%s".formatted(port, what)))
            .build();
    HttpResponse<String> answer = client.send(request, BodyHandlers.ofString());
    return answer.statusCode() == 503 ? json.createObjectNode() : json.readTree(answer.body());
  }
}
