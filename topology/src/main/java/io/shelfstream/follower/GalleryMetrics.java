package io.shelfstream.follower;

import io.shelfstream.metrics.Metric;
import io.shelfstream.metrics.ServiceMetrics;
import java.util.function.ToDoubleFunction;

/** Shows a gallery's figures as metrics, whichever gallery of its topic is searched at the time. */
public final class GalleryMetrics {
  private GalleryMetrics() {}

  /** Registers them; NaN before the gallery is read. */
  public static void of(LiveGallery gallery, ServiceMetrics metrics) {
    gauge(metrics, Metric.GALLERY_PHOTOS, gallery, GalleryMXBean::getPhotos);
    gauge(metrics, Metric.GALLERY_VERSION, gallery, GalleryMXBean::getVersion);
    gauge(metrics, Metric.GALLERY_DELETED_ROWS, gallery, GalleryMXBean::getDeadVectors);
    gauge(metrics, Metric.GALLERY_SEGMENTS, gallery, GalleryMXBean::getSegments);
    gauge(metrics, Metric.GALLERY_RECALL, gallery, GalleryMXBean::getRecall);
    gauge(metrics, Metric.GALLERY_SNAPSHOT_AGE, gallery, GalleryMXBean::getSnapshotAgeSeconds);
    gauge(metrics, Metric.GALLERY_MEMORY, gallery, GalleryMXBean::getVectorBytes);
    gauge(metrics, Metric.DEVICE_MEMORY, gallery, GalleryMXBean::getDeviceBytes);
    metrics.counter(
        Metric.GALLERY_COMPACTIONS,
        gallery,
        of -> of.figures().map(GalleryMXBean::getCompactions).orElse(0L),
        gallery.topic());
  }

  private static void gauge(
      ServiceMetrics metrics,
      Metric metric,
      LiveGallery gallery,
      ToDoubleFunction<GalleryMXBean> figure) {
    metrics.gauge(
        metric,
        gallery,
        of -> of.figures().map(f -> figure.applyAsDouble(f)).orElse(Double.NaN),
        gallery.topic());
  }
}
