package io.shelfstream.metrics;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The figures of Kafka Streams and its clients that are shown, named as Micrometer names them. Tags
 * of all: application, client (the thread or client within it).
 */
public enum KafkaMetric {
  ALIVE_THREADS("stream-metrics", "alive-stream-threads", "Stream threads that live."),
  FAILED_THREADS(
      "stream-metrics",
      "failed-stream-threads",
      "Stream threads that failed since the client was built."),
  PROCESSED("stream-thread-metrics", "process-total", "Records that went through the topology."),
  COMMITS("stream-thread-metrics", "commit-total", "Commits."),
  COMMIT_LATENCY(
      "stream-thread-metrics",
      "commit-latency-avg",
      "Ms of a commit, average of the last seconds."),
  COMMIT_LATENCY_MOST(
      "stream-thread-metrics",
      "commit-latency-max",
      "Ms of a commit, longest of the last seconds."),
  POLL_RATIO(
      "stream-thread-metrics",
      "poll-ratio",
      "Share of its time that a thread polls: it has nothing to do."),
  PROCESS_RATIO(
      "stream-thread-metrics",
      "process-ratio",
      "Share of its time that a thread takes records, waits for room in the window included."),
  COMMIT_RATIO("stream-thread-metrics", "commit-ratio", "Share of its time that a thread commits."),
  PUNCTUATE_RATIO(
      "stream-thread-metrics",
      "punctuate-ratio",
      "Share of its time that a thread sends answers by timers."),
  DROPPED(
      "stream-task-metrics", "dropped-records-total", "Records that Kafka Streams itself dropped."),
  SET_ASIDE(
      "stream-shelfstream-metrics",
      "set-aside-records-total",
      "Records whose processing failed twice; each is a dead letter."),
  REJECTED_VECTORS(
      "stream-shelfstream-metrics",
      "rejected-vectors-total",
      "Records of the vectors topic that cannot be used."),
  CONSUMED("consumer-fetch-manager-metrics", "records-consumed-total", "Records read."),
  CONSUMED_BYTES("consumer-fetch-manager-metrics", "bytes-consumed-total", "Bytes read."),
  FETCH_LATENCY(
      "consumer-fetch-manager-metrics",
      "fetch-latency-avg",
      "Ms of a fetch, waits for records included."),
  REBALANCES("consumer-coordinator-metrics", "rebalance-total", "Rebalances that ended well."),
  FAILED_REBALANCES(
      "consumer-coordinator-metrics", "failed-rebalance-total", "Rebalances that failed."),
  LAST_POLL(
      "consumer-metrics",
      "last-poll-seconds-ago",
      "Seconds since a thread polled; beyond delivery.poll.budget its partitions go to others."),
  CONSUMER_CONNECTIONS("consumer-metrics", "connection-count", "Connections of a consumer."),
  SENT("producer-metrics", "record-send-total", "Records sent."),
  SEND_ERRORS("producer-metrics", "record-error-total", "Records that could not be sent."),
  SEND_RETRIES("producer-metrics", "record-retry-total", "Records that were sent again."),
  SEND_LATENCY(
      "producer-metrics", "request-latency-avg", "Ms until the broker answers a producer."),
  PRODUCER_CONNECTIONS("producer-metrics", "connection-count", "Connections of a producer.");

  private static final Map<String, KafkaMetric> BY_NAME = new HashMap<>();

  static {
    for (KafkaMetric metric : values()) {
      BY_NAME.put(metric.group + "/" + metric.figure, metric);
    }
  }

  private final String group;
  private final String figure;
  private final String meaning;

  KafkaMetric(String group, String figure, String meaning) {
    this.group = group;
    this.figure = figure;
    this.meaning = meaning;
  }

  static @Nullable KafkaMetric of(String group, String figure) {
    return BY_NAME.get(group + "/" + figure);
  }

  boolean isCounter() {
    return figure.endsWith("-total");
  }

  /** Its name in Prometheus's text format. */
  public String prometheusName() {
    return "kafka_"
        + group.replace("-metrics", "").replace('-', '_')
        + "_"
        + figure.replace('-', '_');
  }

  /** One sentence for operators. */
  public String meaning() {
    return meaning;
  }
}
