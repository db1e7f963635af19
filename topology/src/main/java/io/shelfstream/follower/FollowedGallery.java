package io.shelfstream.follower;

import io.shelfstream.broker.Topics;
import io.shelfstream.config.NodeNames;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.config.TopicNames;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.index.Accelerator;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.recognition.LoadedModels;
import io.shelfstream.streams.Deliveries;
import io.shelfstream.streams.FailedRecords;
import io.shelfstream.streams.Lifecycle;
import io.shelfstream.streams.StreamsApplication;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.streams.StreamsConfig;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A gallery, and the application that follows the vectors topic for it. When following ends, for
 * whatever reason, it does not begin again: {@link LiveGallery} then builds a new one.
 */
final class FollowedGallery implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(FollowedGallery.class);

  private final TopicNames topics;
  private final Gallery gallery;
  private final @Nullable SnapshotTimer snapshots;
  private final GalleryFigures figures;
  private final StreamsApplication follower;

  private FollowedGallery(
      TopicNames topics,
      Gallery gallery,
      @Nullable SnapshotTimer snapshots,
      GalleryFigures figures,
      StreamsApplication follower) {
    this.topics = topics;
    this.gallery = gallery;
    this.snapshots = snapshots;
    this.figures = figures;
    this.follower = follower;
  }

  /**
   * Reads the newest snapshot and then the topic; returns when the gallery is caught up.
   *
   * @param models whose extractor the vectors are of; closed by their owner, after this
   * @param accelerator of the gallery; closed by its owner, after this
   * @param topics whose vectors topic is followed
   * @param wiring the topology that follows it
   * @param inFlight photos that this process has embedded; the follower notes when they are
   *     searchable
   * @param failed records of that topic whose processing failed
   * @param ends of the partitions of that topic, now
   * @param reading given the gallery before its topic is read
   * @param ended called with the cause when following ends after this has returned and before it is
   *     closed
   */
  static FollowedGallery start(
      ShelfStreamConfig config,
      LoadedModels models,
      @Nullable Accelerator accelerator,
      TopicNames topics,
      FollowerWiring wiring,
      InFlightPhotos inFlight,
      FailedRecords failed,
      Map<Integer, Long> ends,
      Consumer<Gallery> reading,
      Consumer<Throwable> ended) {
    ModelDirectory directory = models.directory();
    Gallery gallery =
        new Gallery(
            config.index().type(),
            directory.extractorDimension(),
            directory.extractorId(),
            accelerator);
    String topic = topics.galleryVectors();
    SnapshotTimer snapshots = snapshots(config, topic, ends, gallery);
    FollowedGallery followed =
        new FollowedGallery(
            topics,
            gallery,
            snapshots,
            GalleryFigures.show(topic, gallery, snapshots, accelerator),
            StreamsApplication.globalStore(
                config,
                id(config, topic),
                wiring.topology(gallery, inFlight, failed),
                new Deliveries(config.delivery().exactlyOnce(), failed),
                // It has no timers, and an arriving record ends a poll at once: waking more often
                // costs 5 % of a core for nothing.
                Map.of(StreamsConfig.POLL_MS_CONFIG, 100),
                new Lifecycle(
                    "Following " + topic,
                    now -> {
                      if (now.is(Lifecycle.State.FAILED)) {
                        ended.accept(Objects.requireNonNull(now.failure()));
                      }
                    })));
    reading.accept(gallery);
    try {
      followed.catchUp(directory.extractorId());
      return followed;
    } catch (RuntimeException e) {
      followed.close();
      throw e;
    }
  }

  /** Only seen in logs and metrics: a global store has no consumer group. */
  static String id(ShelfStreamConfig config, String topic) {
    return config.applicationId() + "-follower-" + topic;
  }

  /** A folder for each topic: two galleries would overwrite each other's snapshots. */
  private static @Nullable SnapshotTimer snapshots(
      ShelfStreamConfig config, String topic, Map<Integer, Long> ends, Gallery gallery) {
    Path folder = config.index().snapshotDir().map(dir -> dir.resolve(topic)).orElse(null);
    if (folder == null) {
      return null;
    }
    String topicId = Topics.id(config, topic);
    return SnapshotTimer.restore(folder, config.index().snapshotInterval(), gallery, topicId, ends);
  }

  private void catchUp(String extractor) {
    follower.start();
    int gone = gallery.caughtUp();
    if (gone > 0) {
      log.atInfo().log("{} photos of the gallery's snapshot are no longer on its topic", gone);
    }
    log.atInfo()
        .addKeyValue("topic", topics.galleryVectors())
        .addKeyValue("extractor", extractor)
        .addKeyValue("gallerySize", gallery.state().size())
        .addKeyValue("galleryVersion", gallery.state().version())
        .log("The gallery is caught up");
  }

  /** The failure that ended following; empty while the topic is followed. */
  Optional<Throwable> failure() {
    return Optional.ofNullable(follower.lifecycle().failure());
  }

  /** Offset of the record that a photo came with; empty when it is not in the gallery. */
  OptionalLong offsetOf(String galleryImageId) {
    return follower.stored(NodeNames.VECTORS_STORE, galleryImageId);
  }

  Map<MetricName, ? extends Metric> followerFigures() {
    return follower.figures();
  }

  GalleryMXBean figures() {
    return figures;
  }

  Gallery gallery() {
    return gallery;
  }

  /** Stops following and writing snapshots; the gallery can be searched until it is closed. */
  void retire() {
    follower.close();
    if (snapshots != null) {
      snapshots.close();
    }
    figures.close(); // another gallery of this topic registers its own under the same name
  }

  /** Stops following, writes a last snapshot, and frees the gallery. Idempotent. */
  @Override
  public void close() {
    retire();
    gallery.close();
  }
}
