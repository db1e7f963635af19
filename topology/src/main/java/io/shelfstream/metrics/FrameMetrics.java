package io.shelfstream.metrics;

import io.micrometer.core.instrument.Counter;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.shelfstream.events.MatchStatus;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognitionStatus;
import io.shelfstream.events.Timings;
import io.shelfstream.recognition.RejectedException;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** Counts what becomes of frames. Safe for several threads. */
public final class FrameMetrics {
  private final ServiceMetrics metrics;
  private final Counter taken;
  private final Counter skipped;
  private final Counter givenUp;
  private final Map<RecognitionStatus, Counter> recognized = new EnumMap<>(RecognitionStatus.class);
  private final Map<MatchStatus, Counter> objects = new EnumMap<>(MatchStatus.class);
  private final DistributionDataPoint fetch;
  private final DistributionDataPoint decode;
  private final DistributionDataPoint detect;
  private final DistributionDataPoint extract;
  private final DistributionDataPoint search;
  private final DistributionDataPoint queue;
  private final DistributionDataPoint latency;
  private final AtomicInteger inHand = new AtomicInteger();

  public FrameMetrics(ServiceMetrics metrics) {
    this.metrics = metrics;
    this.taken = metrics.counter(Metric.FRAMES_TAKEN);
    this.skipped = metrics.counter(Metric.FRAMES_SKIPPED);
    this.givenUp = metrics.counter(Metric.FRAMES_GIVEN_UP);
    for (RecognitionStatus status : RecognitionStatus.values()) {
      recognized.put(status, metrics.counter(Metric.FRAMES_RECOGNIZED, label(status)));
    }
    for (MatchStatus status : MatchStatus.values()) {
      objects.put(status, metrics.counter(Metric.OBJECTS, label(status)));
    }
    // From 0 on, so that the first of a reason is an increase to whoever reads them.
    for (String reason : RejectedException.reasons()) {
      metrics.counter(Metric.FRAMES_DEAD_LETTERED, reason);
    }
    this.fetch = metrics.timer(Metric.STAGE_TIME, "fetch");
    this.decode = metrics.timer(Metric.STAGE_TIME, "decode");
    this.detect = metrics.timer(Metric.STAGE_TIME, "detect");
    this.extract = metrics.timer(Metric.STAGE_TIME, "extract");
    this.search = metrics.timer(Metric.STAGE_TIME, "search");
    this.queue = metrics.timer(Metric.QUEUE_TIME);
    this.latency = metrics.timer(Metric.LATENCY);
    metrics.gauge(Metric.FRAMES_IN_HAND, inHand, AtomicInteger::get);
  }

  private static String label(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  /** A frame is in hand from now on. */
  public void taken() {
    taken.increment();
    inHand.incrementAndGet();
  }

  /**
   * A frame was answered by an event.
   *
   * @param now when the event was written
   */
  public void recognized(RecognitionEvent event, Instant now) {
    inHand.decrementAndGet();
    if (event.getSkippedReason() != null) {
      skipped.increment();
      return;
    }
    increment(recognized, event.getStatus());
    event.getObjects().forEach(object -> increment(objects, object.getStatus()));
    Timings timings = event.getTimings();
    record(fetch, timings.getFetch());
    record(decode, timings.getDecode());
    record(detect, timings.getDetect());
    record(extract, timings.getExtract());
    record(search, timings.getSearch());
    record(queue, timings.getQueue());
    latency.observe(ServiceMetrics.plausibleSeconds(event.getCapturedAt(), now));
  }

  private static <K extends Enum<K>> void increment(Map<K, Counter> counters, K key) {
    Counter counter = counters.get(key);
    if (counter != null) {
      counter.increment();
    }
  }

  private static void record(DistributionDataPoint timer, float millis) {
    if (millis >= 0) { // not NaN either
      timer.observe(millis / 1e3);
    }
  }

  /** A frame was skipped without an event. */
  public void skipped() {
    inHand.decrementAndGet();
    skipped.increment();
  }

  /**
   * A frame was answered by a dead letter.
   *
   * @param reason its reason class
   */
  public void deadLettered(String reason) {
    inHand.decrementAndGet();
    metrics.counter(Metric.FRAMES_DEAD_LETTERED, reason).increment();
  }

  /** A frame in hand is left to whoever takes its partition up next. */
  public void givenUp() {
    inHand.decrementAndGet();
    givenUp.increment();
  }
}
