package io.shelfstream.metrics;

import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Shows the figures of Kafka Streams and its clients that operators ask for, {@link KafkaMetric};
 * the others, some thousands, are on JMX as ever.
 *
 * <p>Nothing is registered for a client: each scrape reads the clients that are there. So the
 * series of a client that was replaced are gone with it, a new one's are there at once, and the
 * names of threads are the same in each process and after each restart. Micrometer's
 * KafkaStreamsMetrics looks for new clients once a minute, has a series for each client id, of
 * which a start makes new ones, and for each partition, and shows a figure that exists both with
 * and without a topic only once.
 */
public final class KafkaMetrics implements MultiCollector {
  private static final Logger log = LoggerFactory.getLogger(KafkaMetrics.class);

  /** Tags that a chosen figure may have; with another one it is a part of a whole that is shown. */
  private static final Set<String> TAGS =
      Set.of("client-id", "thread-id", "task-id", "shelfstream-id", "process-id", "application-id");

  private static final Pattern CLIENT =
      Pattern.compile(
          ".*-((StreamThread|StateUpdater|GlobalStreamThread|global-consumer|admin)(-.*)?)");

  private final List<Application> applications = new CopyOnWriteArrayList<>();

  private record Application(
      String id, Supplier<? extends Map<MetricName, ? extends Metric>> figures) {}

  /**
   * Shows an application of Kafka Streams, too.
   *
   * @param figures of its client and of those that it uses; asked at each scrape
   */
  public void add(String id, Supplier<? extends Map<MetricName, ? extends Metric>> figures) {
    applications.add(new Application(id, figures));
  }

  @Override
  public MetricSnapshots collect() {
    Map<KafkaMetric, Map<Labels, Double>> all = new EnumMap<>(KafkaMetric.class);
    for (Application application : applications) {
      try {
        collect(application, all);
      } catch (RuntimeException e) { // a client that is being closed
        log.atDebug().setCause(e).log("No figures of {} in this scrape", application.id());
      }
    }
    List<MetricSnapshot> shown = new ArrayList<>();
    all.forEach((metric, values) -> shown.add(snapshot(metric, values)));
    return new MetricSnapshots(shown);
  }

  private static void collect(Application application, Map<KafkaMetric, Map<Labels, Double>> all) {
    application
        .figures()
        .get()
        .forEach(
            (name, figure) -> {
              KafkaMetric metric = KafkaMetric.of(name.group(), name.name());
              if (metric == null
                  || !TAGS.containsAll(name.tags().keySet())
                  || !(figure.metricValue() instanceof Number number)
                  || Double.isNaN(number.doubleValue())) {
                return; // NaN: an average of nothing; it would make each sum NaN
              }
              Labels labels =
                  Labels.of("application", application.id(), "client", client(name.tags()));
              all.computeIfAbsent(metric, m -> new LinkedHashMap<>())
                  .merge(labels, number.doubleValue(), Double::sum); // tasks of one thread
            });
  }

  /** The thread or client within its application: its id without what differs in each process. */
  private static String client(Map<String, String> tags) {
    String id = tags.getOrDefault("thread-id", tags.getOrDefault("client-id", ""));
    Matcher client = CLIENT.matcher(id);
    return client.matches() ? client.group(1) : "streams";
  }

  private static MetricSnapshot snapshot(KafkaMetric metric, Map<Labels, Double> values) {
    if (metric.isCounter()) {
      var counter =
          CounterSnapshot.builder()
              .name(metric.prometheusName().replaceFirst("_total$", "")) // it is added again
              .help(metric.meaning());
      values.forEach(
          (labels, value) ->
              counter.dataPoint(
                  CounterSnapshot.CounterDataPointSnapshot.builder()
                      .labels(labels)
                      .value(Math.max(0, value))
                      .build()));
      return counter.build();
    }
    var gauge = GaugeSnapshot.builder().name(metric.prometheusName()).help(metric.meaning());
    values.forEach(
        (labels, value) ->
            gauge.dataPoint(
                GaugeSnapshot.GaugeDataPointSnapshot.builder()
                    .labels(labels)
                    .value(value)
                    .build()));
    return gauge.build();
  }
}
