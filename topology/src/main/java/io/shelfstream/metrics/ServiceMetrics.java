package io.shelfstream.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
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
