package io.shelfstream.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.junit.jupiter.api.Test;

class KafkaMetricsTest {
  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final KafkaMetrics kafka = new KafkaMetrics();
  private final Map<MetricName, Metric> figures = new LinkedHashMap<>();

  KafkaMetricsTest() {
    registry.getPrometheusRegistry().register(kafka);
    kafka.add("app", () -> figures);
  }

  private void figure(String group, String name, Object value, Map<String, String> tags) {
    MetricName key = new MetricName(name, group, "", tags);
    figures.put(
        key,
        new Metric() {
          @Override
          public MetricName metricName() {
            return key;
          }

          @Override
          public Object metricValue() {
            return value;
          }
        });
  }

  private void thread(String process, double commits) {
    figures.clear();
    figure(
        "stream-thread-metrics",
        "commit-total",
        commits,
        Map.of("thread-id", "app-" + process + "-StreamThread-1"));
  }

  @Test
  void aClientThatReplacesAnotherHasTheSameSeries() {
    thread("5d6c", 3);
    String before = registry.scrape();
    assertThat(before)
        .contains(
            "kafka_stream_thread_commit_total{application=\"app\",client=\"StreamThread-1\"} 3.0\n");
    thread("0b11", 4);
    assertThat(registry.scrape()).isEqualTo(before.replace(" 3.0", " 4.0"));
    figures.clear();
    assertThat(registry.scrape()).doesNotContain("kafka_");
  }

  @Test
  void averagesOfNothingAreLeftOut() {
    figure(
        "producer-metrics",
        "request-latency-avg",
        Double.NaN,
        Map.of("client-id", "app-1-StreamThread-1-producer"));
    assertThat(registry.scrape()).doesNotContain("request_latency");
  }

  @Test
  void figuresOfTopicsPartitionsAndNodesAreLeftOut() {
    Map<String, String> client = Map.of("client-id", "app-1-StreamThread-1-consumer");
    figure("consumer-fetch-manager-metrics", "records-consumed-total", 7.0, client);
    figure(
        "consumer-fetch-manager-metrics",
        "records-consumed-total",
        7.0,
        Map.of("client-id", "app-1-StreamThread-1-consumer", "topic", "frames"));
    assertThat(registry.scrape())
        .containsOnlyOnce("kafka_consumer_fetch_manager_records_consumed_total{")
        .contains("client=\"StreamThread-1-consumer\"} 7.0\n");
  }

  @Test
  void clientsAreToldApartByWhatTheyAreWithinTheirApplication() {
    for (String id :
        new String[] {
          "a-StreamThread-1-7e-StreamThread-2-consumer",
          "a-7e-StateUpdater-1-restore-consumer",
          "a-7e-global-consumer"
        }) {
      figure("consumer-metrics", "connection-count", 1.0, Map.of("client-id", id));
    }
    figure("stream-metrics", "alive-stream-threads", 1.0, Map.of("client-id", "a-7e"));
    assertThat(registry.scrape())
        .contains("client=\"StreamThread-2-consumer\"")
        .contains("client=\"StateUpdater-1-restore-consumer\"")
        .contains("client=\"global-consumer\"")
        .contains("kafka_stream_alive_stream_threads{application=\"app\",client=\"streams\"} 1.0");
  }

  @Test
  void tasksOfAThreadAddUp() {
    for (String task : new String[] {"0_0", "0_1"}) {
      figure(
          "stream-task-metrics",
          "dropped-records-total",
          2.0,
          Map.of("thread-id", "app-1-StreamThread-2", "task-id", task));
    }
    assertThat(registry.scrape())
        .contains(
            "kafka_stream_task_dropped_records_total{application=\"app\",client=\"StreamThread-2\"} 4.0\n");
  }

  @Test
  void aClientThatFailsTakesNothingElseAway() {
    thread("a", 1);
    kafka.add(
        "broken",
        () -> {
          throw new IllegalStateException("closed");
        });
    figure(
        "stream-thread-metrics", "poll-ratio", "text", Map.of("thread-id", "app-StreamThread-1"));
    assertThat(registry.scrape()).contains("kafka_stream_thread_commit_total");
  }
}
