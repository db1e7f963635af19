package io.shelfstream.topology;

import io.shelfstream.broker.Topics;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.model.ModelDirectory;
import java.nio.file.Path;
import org.apache.kafka.streams.Topology;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Models, the gallery of their extractor's vectors, and what keeps it current. */
final class FollowedGallery implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(FollowedGallery.class);

  private final ShelfStreamConfig config;
  private final TopicNames topics;
  private final LoadedModels models;
  private final Gallery gallery;
  private final Stages stages;
  private final InFlightPhotos inFlight = new InFlightPhotos();
  private @Nullable SnapshotTimer snapshots;
  private @Nullable StreamsApplication follower;

  private FollowedGallery(
      ShelfStreamConfig config,
      TopicNames topics,
      LoadedModels models,
      Gallery gallery,
      Stages stages) {
    this.config = config;
    this.topics = topics;
    this.models = models;
    this.gallery = gallery;
    this.stages = stages;
  }

  /**
   * Loads the models; the gallery is empty.
   *
   * @param topics whose vectors topic it will follow
   * @throws io.shelfstream.model.ModelException when the models do not load
   */
  static FollowedGallery load(ShelfStreamConfig config, Path modelDirectory, TopicNames topics) {
    LoadedModels models = LoadedModels.load(modelDirectory, config.models().options());
    ModelDirectory directory = models.directory();
    Gallery gallery =
        new Gallery(config.index().type(), directory.extractorDimension(), directory.extractorId());
    Stages stages = RecognitionService.stages(config, models, gallery);
    return new FollowedGallery(config, topics, models, gallery, stages);
  }

  /** Starts to follow the vectors topic, and returns when the gallery is caught up with it. */
  void follow(EventSerdes serdes, StreamsApplication.Failure failure) {
    String topic = topics.galleryVectors();
    snapshots =
        config
            .index()
            .snapshotDir()
            .map(
                folder ->
                    SnapshotTimer.restore(
                        folder,
                        config.index().snapshotInterval(),
                        gallery,
                        Topics.id(config, topic)))
            .orElse(null);
    // Nobody else sees the name: a global store has no consumer group.
    follower =
        new StreamsApplication(
            config,
            config.applicationId() + "-follower",
            RecognitionTopology.galleryFollower(topics, serdes, gallery, inFlight),
            failure);
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

  /** The application that embeds photos for this gallery. */
  Topology updates(EventSerdes serdes, ImageFetcher fetcher) {
    LintRules rules =
        config
            .gallery()
            .lintRules(models.directory().extractorInputSize(), stages.policy().threshold());
    return RecognitionTopology.galleryUpdates(
        topics,
        serdes,
        fetcher,
        new GalleryPhotos(stages),
        new GalleryLinter(rules, gallery, inFlight),
        inFlight,
        config.outputs());
  }

  TopicNames topics() {
    return topics;
  }

  /** Stops following, writes a last snapshot, and frees models and gallery. */
  @Override
  public void close() {
    if (follower != null) {
      follower.close();
    }
    if (snapshots != null) {
      snapshots.close();
    }
    gallery.close();
    models.close();
  }
}
