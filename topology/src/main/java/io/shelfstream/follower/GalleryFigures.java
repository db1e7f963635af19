package io.shelfstream.follower;

import io.shelfstream.gallery.CompactionReport;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.index.Accelerator;
import java.lang.management.ManagementFactory;
import java.util.function.ToDoubleFunction;
import javax.management.JMException;
import javax.management.ObjectName;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Publishes a gallery's figures over JMX, on the platform's MBean server, until it is closed. */
final class GalleryFigures implements GalleryMXBean, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(GalleryFigures.class);

  private final Gallery gallery;
  private final @Nullable SnapshotTimer snapshots;
  private final @Nullable Accelerator accelerator;
  private @Nullable ObjectName name;

  private GalleryFigures(
      Gallery gallery, @Nullable SnapshotTimer snapshots, @Nullable Accelerator accelerator) {
    this.gallery = gallery;
    this.snapshots = snapshots;
    this.accelerator = accelerator;
  }

  static GalleryFigures show(
      String topic,
      Gallery gallery,
      @Nullable SnapshotTimer snapshots,
      @Nullable Accelerator accelerator) {
    GalleryFigures figures = new GalleryFigures(gallery, snapshots, accelerator);
    try {
      ObjectName name = new ObjectName("io.shelfstream:type=gallery,topic=" + topic);
      ManagementFactory.getPlatformMBeanServer().registerMBean(figures, name);
      figures.name = name;
    } catch (JMException e) {
      // A second service in one process, as in tests.
      log.atDebug().setCause(e).log("The gallery of {} is not shown over JMX", topic);
    }
    return figures;
  }

  @Override
  public int getPhotos() {
    return gallery.state().size();
  }

  @Override
  public int getDeadVectors() {
    return gallery.storage().dead();
  }

  @Override
  public int getSegments() {
    return gallery.storage().segments();
  }

  @Override
  public String getIndexType() {
    return gallery.state().indexType();
  }

  @Override
  public long getVersion() {
    return gallery.state().version();
  }

  @Override
  public boolean isCaughtUp() {
    return gallery.isCaughtUp();
  }

  @Override
  public long getCompactions() {
    return gallery.compactions();
  }

  @Override
  public double getLastCompactionMillis() {
    return gallery
        .lastCompaction()
        .map(CompactionReport::duration)
        .map(duration -> duration.toNanos() / 1e6)
        .orElse(Double.NaN);
  }

  @Override
  public double getRecall() {
    return gallery.recall().orElse(Double.NaN);
  }

  @Override
  public double getSnapshotAgeSeconds() {
    return ofSnapshots(SnapshotTimer::ageSeconds);
  }

  @Override
  public double getLastSnapshotMillis() {
    return ofSnapshots(SnapshotTimer::lastMillis);
  }

  private double ofSnapshots(ToDoubleFunction<SnapshotTimer> figure) {
    return snapshots == null ? Double.NaN : figure.applyAsDouble(snapshots);
  }

  @Override
  public long getVectorBytes() {
    return gallery.storage().bytes();
  }

  @Override
  public long getDeviceBytes() {
    return accelerator == null ? 0 : accelerator.bytes();
  }

  /** Idempotent. */
  @Override
  public void close() {
    if (name != null) {
      try {
        ManagementFactory.getPlatformMBeanServer().unregisterMBean(name);
      } catch (JMException e) {
        log.atDebug().setCause(e).log("{} was gone already", name);
      }
      name = null;
    }
  }
}
