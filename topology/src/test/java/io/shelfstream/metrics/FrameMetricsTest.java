package io.shelfstream.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.shelfstream.events.EventKind;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognitionStatus;
import io.shelfstream.events.Timings;
import io.shelfstream.events.Versions;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FrameMetricsTest {
  private static final Instant NOW = Instant.parse("2026-11-29T12:00:00Z");

  @ParameterizedTest
  @CsvSource({
    "2026-11-29T11:59:58Z, 2",
    "2026-11-29T12:00:10Z, 0",
    "0001-01-01T00:00:00Z, 86400",
    "9999-12-31T23:59:59Z, 0"
  })
  void takesAnyClockOfACamera(Instant capturedAt, double seconds) {
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    FrameMetrics metrics = new FrameMetrics(new ServiceMetrics(registry));
    metrics.taken();

    metrics.recognized(event(capturedAt), NOW);

    assertThat(registry.scrape())
        .contains("shelfstream_latency_seconds_count 1\n")
        .contains("shelfstream_latency_seconds_sum " + seconds + "\n")
        .as("times that are none")
        .contains("shelfstream_queue_time_seconds_count 0\n")
        .contains("shelfstream_stage_time_seconds_count{stage=\"decode\"} 0\n")
        .contains("shelfstream_stage_time_seconds_count{stage=\"fetch\"} 1\n");
    assertThat(registry.get(Metric.FRAMES_IN_HAND.id()).gauge().value()).isZero();
  }

  private static RecognitionEvent event(Instant capturedAt) {
    return RecognitionEvent.newBuilder()
        .setEventId("1")
        .setKind(EventKind.LIVE)
        .setStatus(RecognitionStatus.OK)
        .setCameraId("c")
        .setFrameId("f")
        .setUri("file:f")
        .setImageWidth(1)
        .setImageHeight(1)
        .setCapturedAt(capturedAt)
        .setProcessedAt(NOW)
        .setObjects(List.of())
        .setVersions(
            Versions.newBuilder()
                .setDetector("d")
                .setExtractor("e")
                .setGalleryVersion(0)
                .setGallerySize(0)
                .setIndexType("Flat")
                .setProvider("cpu")
                .setGalleryVersions(Map.of())
                .setProfile("shelf")
                .build())
        .setTimings(new Timings(Float.NaN, 0f, -1f, 0f, 0f, 0f, 0f))
        .build();
  }
}
