package io.shelfstream.topology;

import io.shelfstream.broker.AccessRights;
import io.shelfstream.broker.Topics;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.detect.Profile;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.gallery.ProductSearch;
import io.shelfstream.image.ImageDecoder;
import io.shelfstream.image.ImageLimits;
import io.shelfstream.index.FaissLibrary;
import io.shelfstream.model.ModelDirectory;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The service: models, gallery and Kafka Streams, opened in this order and closed in the other. */
public final class RecognitionService implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RecognitionService.class);

  /** How long a stop may take to finish the frames in hand and commit. */
  private static final Duration DRAIN = Duration.ofSeconds(30);

  private final LoadedModels models;
  private final Gallery gallery;
  private final @Nullable SnapshotTimer snapshots;
  private final ImageFetcher fetcher;
  private final RegistryWait registry;
  private final KafkaStreams streams;
  private volatile boolean closing;
  private final CountDownLatch stopped = new CountDownLatch(1);
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

  private RecognitionService(
      LoadedModels models,
      Gallery gallery,
      @Nullable SnapshotTimer snapshots,
      ImageFetcher fetcher,
      RegistryWait registry,
      KafkaStreams streams) {
    this.models = models;
    this.gallery = gallery;
    this.snapshots = snapshots;
    this.fetcher = fetcher;
    this.registry = registry;
    this.streams = streams;
  }

  /**
   * Starts the service and returns once the gallery is caught up with its topic.
   *
   * @throws io.shelfstream.model.ModelException when the models do not load
   * @throws io.shelfstream.registry.SchemaRegistryException when the registry refuses our schemas
   * @throws org.apache.kafka.common.KafkaException when the broker cannot be reached or used
   */
  public static RecognitionService start(ShelfStreamConfig config) {
    LoadedModels models = LoadedModels.load(config.models().dir(), config.models().options());
    ModelDirectory directory = models.directory();
    Gallery gallery =
        new Gallery(config.index().type(), directory.extractorDimension(), directory.extractorId());
    Stages stages = stages(config, models, gallery);
    ImageFetcher fetcher = new ImageFetcher(config.images().fetchPolicy());
    RecognitionEvents events =
        new RecognitionEvents(
            directory.detectorId(),
            directory.extractorId(),
            models.detector().provider(),
            config.recognition().profile().name(),
            Clock.systemUTC());
    EventSerdes serdes = EventSerdes.of(config.schemaRegistry());
    serdes.prepare(config.topics());
    AccessRights.require(config);
    Topics.create(config);
    SnapshotTimer snapshots =
        config
            .index()
            .snapshotDir()
            .map(
                folder ->
                    SnapshotTimer.restore(
                        folder,
                        config.index().snapshotInterval(),
                        gallery,
                        Topics.id(config, config.topics().galleryVectors())))
            .orElse(null);
    KafkaStreams streams =
        new KafkaStreams(
            RecognitionTopology.build(
                config.topics(),
                serdes,
                fetcher,
                stages,
                gallery,
                events,
                new GalleryPhotos(stages, directory.extractorId()),
                config.outputs()),
            streamsSettings(config));
    RecognitionService service =
        new RecognitionService(models, gallery, snapshots, fetcher, serdes.registry(), streams);
    service.run();
    return service;
  }

  /** The stages for a configuration; {@code recognize} puts them together the same way. */
  public static Stages stages(
      ShelfStreamConfig config, LoadedModels models, ProductSearch gallery) {
    FaissLibrary.threads(config.models().options().threadBudget());
    ModelDirectory directory = models.directory();
    var recognition = config.recognition();
    Profile profile = recognition.profile();
    MatchPolicy policy =
        new MatchPolicy(
            recognition.matchThreshold().orElse(directory.matchThreshold()),
            recognition.matchMargin().orElse(directory.matchMargin()),
            recognition.candidates(),
            recognition.searchPhotos());
    ImageLimits limits = new ImageLimits(config.images().maxBytes(), config.images().maxPixels());
    return new Stages(
        new ImageDecoder(limits),
        models.detector(),
        directory.detectorScoreThreshold(),
        profile,
        models.extractor(),
        gallery,
        policy,
        new FrameFilters(recognition.filters()));
  }

  /** Our defaults for Kafka Streams; the user's {@code kafka.*} come last and win. */
  private static Properties streamsSettings(ShelfStreamConfig config) {
    Properties settings = new Properties();
    settings.putAll(
        Map.of(
            StreamsConfig.APPLICATION_ID_CONFIG,
            config.applicationId(),
            StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
            StreamsConfig.EXACTLY_ONCE_V2,
            // What Kafka 5 does anyway: one handler for the global thread, too; it fails, as ours
            // should.
            StreamsConfig.PROCESSING_EXCEPTION_HANDLER_GLOBAL_ENABLED_CONFIG,
            true,
            StreamsConfig.COMMIT_INTERVAL_MS_CONFIG,
            100,
            // Also how soon a gallery vector is searchable; Streams' own 100 ms is too slow for
            // that.
            StreamsConfig.POLL_MS_CONFIG,
            5,
            // A slow model must not keep a thread from its next poll: few records in hand.
            StreamsConfig.consumerPrefix("max.poll.records"),
            32,
            StreamsConfig.consumerPrefix("session.timeout.ms"),
            6_000,
            StreamsConfig.consumerPrefix("heartbeat.interval.ms"),
            1_500,
            StreamsConfig.producerPrefix("linger.ms"),
            0,
            StreamsConfig.producerPrefix("max.request.size"),
            Topics.LARGEST_RECORD));
    config.stateDir().ifPresent(d -> settings.put(StreamsConfig.STATE_DIR_CONFIG, d.toString()));
    settings.putAll(config.kafka());
    return settings;
  }

  private void run() {
    streams.setUncaughtExceptionHandler(
        e -> {
          // A thread that waited for the registry is told to stop by an exception.
          if (!closing) {
            failure.compareAndSet(null, e);
            log.atError()
                .setCause(e)
                .log("Kafka Streams failed; stopping so that a restart takes over");
          }
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    streams.setStateListener(
        (now, before) -> {
          if (now == KafkaStreams.State.ERROR || now == KafkaStreams.State.NOT_RUNNING) {
            stopped.countDown();
          }
        });
    try {
      streams.start();
      int gone = gallery.caughtUp();
      if (gone > 0) {
        log.atInfo().log("{} photos of the gallery's snapshot are no longer on its topic", gone);
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
    log.atInfo()
        .addKeyValue("detector", models.directory().detectorId())
        .addKeyValue("extractor", models.directory().extractorId())
        .addKeyValue("provider", models.detector().provider())
        .addKeyValue("gallerySize", gallery.state().size())
        .addKeyValue("galleryVersion", gallery.state().version())
        .log("Ready: the gallery is caught up");
  }

  /**
   * Waits until the service has stopped.
   *
   * @return what stopped it, or null when it was {@link #close}
   */
  public @Nullable Throwable awaitStop() throws InterruptedException {
    stopped.await();
    return failure.get();
  }

  /** The live gallery of this instance. */
  public ProductSearch gallery() {
    return gallery;
  }

  /** Finishes the frames in hand, commits, leaves the group and frees the models. Idempotent. */
  @Override
  public void close() {
    closing = true;
    registry.stop();
    // Leaving the group lets the next start begin at once instead of after the session times out.
    streams.close(
        CloseOptions.timeout(DRAIN)
            .withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
    fetcher.close();
    if (snapshots != null) {
      snapshots.close();
    }
    gallery.close();
    models.close();
    stopped.countDown();
  }
}
