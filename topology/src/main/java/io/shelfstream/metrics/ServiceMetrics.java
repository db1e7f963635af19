package io.shelfstream.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToDoubleFunction;

/** Makes the meters of {@link Metric} in a registry. Safe for several threads. */
public final class ServiceMetrics {
  private static final double[] SECONDS = {
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 120
  };

  private static final Duration LONGEST = Duration.ofDays(1);

  private static final double[] SIZES = {1, 2, 4, 8, 16, 32, 64, 128, 256};

  private final MeterRegistry registry;
  private final PrometheusRegistry prometheus;
  private final Map<Metric, Histogram> histograms = new ConcurrentHashMap<>();

  /**
   * @param registry shows the histograms, too, if it is one of Prometheus
   */
  public ServiceMetrics(MeterRegistry registry) {
    this.registry = registry;
    this.prometheus =
        registry instanceof PrometheusMeterRegistry shown
            ? shown.getPrometheusRegistry()
            : new PrometheusRegistry();
  }

  /** Of the JVM's and Kafka's own metrics. */
  public MeterRegistry registry() {
    return registry;
  }

  /**
   * A counter with values of its tags, made when it is asked for the first time.
   *
   * @param values one for each tag of the metric
   */
  public Counter counter(Metric metric, String... values) {
    require(metric, Metric.Kind.COUNTER);
    return Counter.builder(metric.id())
        .description(metric.meaning())
        .tags(tags(metric, values))
        .register(registry);
  }

  /** A counter that something else counts. */
  public <T> void counter(Metric metric, T of, ToDoubleFunction<T> count, String... values) {
    require(metric, Metric.Kind.COUNTER);
    FunctionCounter.builder(metric.id(), of, count)
        .description(metric.meaning())
        .tags(tags(metric, values))
        .register(registry);
  }

  /** A timer: observes seconds, in a histogram from 1 ms to 2 minutes. */
  public DistributionDataPoint timer(Metric metric, String... values) {
    require(metric, Metric.Kind.TIMER);
    return histogram(metric, SECONDS, values);
  }

  /** A histogram of numbers from 1 to 256, by powers of two. */
  public DistributionDataPoint histogram(Metric metric, String... values) {
    require(metric, Metric.Kind.HISTOGRAM);
    return histogram(metric, SIZES, values);
  }

  /**
   * Of Prometheus's own library: Micrometer's take four times as long, in each frame seven times.
   */
  private DistributionDataPoint histogram(Metric metric, double[] bounds, String... values) {
    tags(metric, values); // as many as there are tags
    return histograms
        .computeIfAbsent(
            metric,
            one ->
                Histogram.builder()
                    .name(one.prometheusName())
                    .help(one.meaning())
                    .labelNames(one.tags().toArray(String[]::new))
                    .classicOnly()
                    .classicUpperBounds(bounds)
                    .withoutExemplars()
                    .register(prometheus))
        .labelValues(values);
  }

  /**
   * A gauge whose rows come and go, such as those of partitions. Its {@code register}, with the
   * rows that are there now, removes all others: a series of what is gone would say NaN for ever.
   */
  public MultiGauge rows(Metric metric) {
    require(metric, Metric.Kind.GAUGE);
    return MultiGauge.builder(metric.id())
        .description(metric.meaning())
        .baseUnit(metric.unit().isEmpty() ? null : metric.unit())
        .register(registry);
  }

  /**
   * A row of {@link #rows}.
   *
   * @param values one for each tag of the metric
   */
  public static <T> MultiGauge.Row<T> row(
      Metric metric, T of, ToDoubleFunction<T> value, String... values) {
    return MultiGauge.Row.of(tags(metric, values), of, value);
  }

  /**
   * A gauge.
   *
   * @param of kept for as long as the registry is
   */
  public <T> void gauge(Metric metric, T of, ToDoubleFunction<T> value, String... values) {
    require(metric, Metric.Kind.GAUGE);
    Gauge.builder(metric.id(), of, value)
        .description(metric.meaning())
        .baseUnit(metric.unit().isEmpty() ? null : metric.unit())
        .tags(tags(metric, values))
        .strongReference(true)
        .register(registry);
  }

  /**
   * Seconds between two clocks, from 0 to a day: those of cameras and producers may say anything,
   * and one in the year 1 must neither hide all others nor overflow.
   */
  public static double plausibleSeconds(Instant from, Instant to) {
    Duration between = Duration.between(from, to);
    if (between.isNegative()) {
      return 0;
    }
    return (between.compareTo(LONGEST) > 0 ? LONGEST : between).toNanos() / 1e9;
  }

  private static void require(Metric metric, Metric.Kind kind) {
    if (metric.kind() != kind) {
      throw new IllegalArgumentException(metric + " is a " + metric.kind() + ", no " + kind);
    }
  }

  private static Tags tags(Metric metric, String... values) {
    if (values.length != metric.tags().size()) {
      throw new IllegalArgumentException(
          "%s has the tags %s, got %d values".formatted(metric, metric.tags(), values.length));
    }
    Tags tags = Tags.empty();
    for (int i = 0; i < values.length; i++) {
      tags = tags.and(metric.tags().get(i), values[i]);
    }
    return tags;
  }
}
