package io.shelfstream.config;

import java.time.Duration;
import java.util.Map;

/**
 * {@code delivery.*}: guarantees and limits for frames in hand.
 *
 * @param exactlyOnce false: at least once
 * @param window frames of a partition that may be in hand at once
 * @param pollBudget longest time between two polls of a stream thread
 * @param stallLimit after which recognition that finishes nothing counts as failed
 * @param drain longest time a stop takes to finish frames in hand
 * @param restarts failures within {@code restartsWithin} after which the service still restarts
 */
public record DeliverySettings(
    boolean exactlyOnce,
    int window,
    Duration pollBudget,
    Duration stallLimit,
    Duration drain,
    int restarts,
    Duration restartsWithin) {

  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Duration HOUR = Duration.ofHours(1);

  static DeliverySettings from(Settings settings) {
    settings.refuseKafka("processing.guarantee", "delivery.guarantee");
    settings.refuseKafka("max.poll.interval.ms", "delivery.poll.budget");
    return new DeliverySettings(
        settings.get(
            "delivery.guarantee",
            "exactly_once_v2",
            Formats.oneOf(Map.of("exactly_once_v2", true, "at_least_once", false))),
        settings.get("delivery.window", "64", Formats.wholeNumber(1, 10_000)),
        settings.get("delivery.poll.budget", "60s", Durations.from(Duration.ofSeconds(5), HOUR)),
        settings.get("delivery.stall.limit", "60s", Durations.from(SECOND, HOUR)),
        settings.get("delivery.drain", "30s", Durations.from(Duration.ZERO, HOUR)),
        settings.get("delivery.restarts", "5", Formats.wholeNumber(0, 1000)),
        settings.get(
            "delivery.restarts.within", "10m", Durations.from(SECOND, Duration.ofHours(24))));
  }
}
