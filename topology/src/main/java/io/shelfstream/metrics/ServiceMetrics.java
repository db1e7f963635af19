package io.shelfstream.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.time.Instant;
import java.util.function.ToDoubleFunction;

/** Makes the meters of {@link Metric} in a registry. Safe for several threads. */
public final class ServiceMetrics {
  private static final Duration[] BUCKETS = {
    Duration.ofMillis(1),
    Duration.ofMillis(2),
    Duration.ofMillis(5),
    Duration.ofMillis(10),
    Duration.ofMillis(20),
    Duration.ofMillis(50),
    Duration.ofMillis(100),
    Duration.ofMillis(200),
    Duration.ofMillis(500),
    Duration.ofSeconds(1),
    Duration.ofSeconds(2),
    Duration.ofSeconds(5),
    Duration.ofSeconds(10),
    Duration.ofSeconds(30),
    Duration.ofMinutes(2)
  };

  private static final Duration LONGEST = Duration.ofDays(1);

  private static final double[] SIZES = {1, 2, 4, 8, 16, 32, 64, 128, 256};

  private final MeterRegistry registry;

  public ServiceMetrics(MeterRegistry registry) {
    this.registry = registry;
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

  /** A timer, as a histogram with fixed buckets from 1 ms to 2 minutes. */
  public Timer timer(Metric metric, String... values) {
    require(metric, Metric.Kind.TIMER);
    return Timer.builder(metric.id())
        .description(metric.meaning())
        .tags(tags(metric, values))
        .serviceLevelObjectives(BUCKETS)
        .register(registry);
  }

  /** A histogram of numbers from 1 to 256, by powers of two. */
  public DistributionSummary histogram(Metric metric, String... values) {
    require(metric, Metric.Kind.HISTOGRAM);
    return DistributionSummary.builder(metric.id())
        .description(metric.meaning())
        .tags(tags(metric, values))
        .serviceLevelObjectives(SIZES)
        .register(registry);
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
   * Time between two clocks, from 0 to a day: those of cameras and producers may say anything, and
   * one in the year 1 must neither hide all others nor overflow.
   */
  public static Duration plausible(Instant from, Instant to) {
    Duration between = Duration.between(from, to);
    if (between.isNegative()) {
      return Duration.ZERO;
    }
    return between.compareTo(LONGEST) > 0 ? LONGEST : between;
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
