package io.shelfstream.embedding;

import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.metrics.Metric;
import io.shelfstream.metrics.ServiceMetrics;
import io.shelfstream.recognition.RejectedException;
import java.time.Instant;
import java.util.Locale;
import java.util.Objects;

/** Counts what becomes of gallery updates, as their statuses tell. Safe for several threads. */
public final class UpdateMetrics {
  private static final String NO_REASON = "none";

  private final ServiceMetrics metrics;
  private final DistributionDataPoint searchable;

  public UpdateMetrics(ServiceMetrics metrics) {
    this.metrics = metrics;
    this.searchable = metrics.timer(Metric.GALLERY_SEARCHABLE_TIME);
    // From 0 on, so that the first of a reason is an increase to whoever reads them.
    metrics.counter(Metric.GALLERY_UPDATES, "applied", NO_REASON);
    metrics.counter(Metric.GALLERY_UPDATES, "removed", NO_REASON);
    for (String reason : RejectedException.reasons()) {
      metrics.counter(Metric.GALLERY_UPDATES, "rejected", reason);
    }
  }

  void published(GalleryStatus status) {
    Instant shown = status.getSearchableAt();
    if (shown != null) {
      searchable.observe(ServiceMetrics.plausibleSeconds(status.getPublishedAt(), shown));
      return;
    }
    String outcome = status.getOutcome().name().toLowerCase(Locale.ROOT);
    String reason = Objects.requireNonNullElse(status.getReason(), NO_REASON);
    metrics.counter(Metric.GALLERY_UPDATES, outcome, reason).increment();
  }
}
