package io.shelfstream.topology;

import io.shelfstream.broker.TopicOffsets;
import io.shelfstream.broker.Topics;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.index.Accelerator;
import io.shelfstream.model.ModelDirectory;
import java.nio.file.Path;
import java.util.Map;
import org.apache.kafka.streams.StreamsConfig;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A gallery that follows a vectors topic, and what searches it. */
final class FollowedGallery implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(FollowedGallery.class);

  private final TopicNames topics;
  private final Gallery gallery;
  private final Stages stages;
  private final InFlightPhotos inFlight;
  private final @Nullable SnapshotTimer snapshots;
  private final GalleryFigures figures;
  private final StreamsApplication follower;

  private FollowedGallery(
      TopicNames topics,
      Gallery gallery,
      Stages stages,
      InFlightPhotos inFlight,
      @Nullable SnapshotTimer snapshots,
      GalleryFigures figures,
      StreamsApplication follower) {
    this.topics = topics;
    this.gallery = gallery;
    this.stages = stages;
    this.inFlight = inFlight;
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
   * @param failed records of that topic that made following fail
   * @param failure is told when following ends before this is closed
   */
  static FollowedGallery start(
      ShelfStreamConfig config,
      LoadedModels models,
      @Nullable Accelerator accelerator,
      TopicNames topics,
      EventSerdes serdes,
      FailedRecords failed,
      StreamsApplication.Failure failure) {
    ModelDirectory directory = models.directory();
    Gallery gallery =
        new Gallery(
            config.index().type(),
            directory.extractorDimension(),
            directory.extractorId(),
            accelerator);
    String topic = topics.galleryVectors();
    InFlightPhotos inFlight = new InFlightPhotos();
    SnapshotTimer snapshots = snapshots(config, topic, gallery);
    FollowedGallery followed =
        new FollowedGallery(
            topics,
            gallery,
            RecognitionService.stages(config, models, gallery),
            inFlight,
            snapshots,
            GalleryFigures.show(topic, gallery, snapshots, accelerator),
            // Only shows in logs and metrics: a global store has no consumer group.
            new StreamsApplication(
                config,
                config.applicationId() + "-follower-" + topic,
                () ->
                    RecognitionTopology.galleryFollower(topics, serdes, gallery, inFlight, failed),
                new Deliveries(config.delivery().exactlyOnce(), failed),
                // It has no timers, and a record that arrives ends a poll at once: waking more
                // often costs 5 % of a core for nothing.
                Map.of(StreamsConfig.POLL_MS_CONFIG, 100),
                failure));
    try {
      followed.catchUp(topic);
      return followed;
    } catch (RuntimeException e) {
      followed.close();
      throw e;
    }
  }

  /** A folder for each topic: two galleries would overwrite each other's. */
  private static @Nullable SnapshotTimer snapshots(
      ShelfStreamConfig config, String topic, Gallery gallery) {
    Path folder = config.index().snapshotDir().map(dir -> dir.resolve(topic)).orElse(null);
    if (folder == null) {
      return null;
    }
    String topicId = Topics.id(config, topic);
    try (TopicOffsets offsets = new TopicOffsets(config)) {
      return SnapshotTimer.restore(
          folder, config.index().snapshotInterval(), gallery, topicId, offsets.ends(topic));
    }
  }

  private void catchUp(String topic) {
    follower.start();
    int gone = gallery.caughtUp();
    if (gone > 0) {
      log.atInfo().log("{} photos of the gallery's snapshot are no longer on its topic", gone);
    }
    log.atInfo()
        .addKeyValue("topic", topic)
        .addKeyValue("extractor", stages.models().extractor())
        .addKeyValue("gallerySize", gallery.state().size())
        .addKeyValue("galleryVersion", gallery.state().version())
        .log("The gallery is caught up");
  }

  /** What a frame passes through to be recognised with this gallery. */
  Stages stages() {
    return stages;
  }

  /** Puts photos that are on their way to this gallery beside it, for whoever embeds them. */
  InFlightPhotos inFlight() {
    return inFlight;
  }

  /** Doubts about photos that are embedded for this gallery. */
  GalleryLinter linter(LintRules rules) {
    return new GalleryLinter(rules, gallery, inFlight);
  }

  /** Whether it is the gallery of this vectors topic. */
  boolean follows(TopicNames names) {
    return topics.galleryVectors().equals(names.galleryVectors());
  }

  /** Stops following and writing snapshots; the gallery can be searched until it is closed. */
  void retire() {
    follower.close();
    if (snapshots != null) {
      snapshots.close();
    }
  }

  /** Stops following, writes a last snapshot, and frees the gallery. Idempotent. */
  @Override
  public void close() {
    retire();
    figures.close();
    gallery.close();
  }
}
