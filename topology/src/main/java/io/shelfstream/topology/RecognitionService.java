package io.shelfstream.topology;

import io.shelfstream.broker.AccessRights;
import io.shelfstream.broker.Topics;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.detect.Profile;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.gallery.ProductSearch;
import io.shelfstream.image.ImageDecoder;
import io.shelfstream.image.ImageLimits;
import io.shelfstream.index.FaissLibrary;
import io.shelfstream.model.ModelDirectory;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.streams.Topology;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The service: models, gallery and the Kafka Streams applications of its role, opened in this order
 * and closed in the other.
 */
public final class RecognitionService implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RecognitionService.class);

  private final ShelfStreamConfig config;
  private final Role role;
  private final FollowedGallery gallery;
  private final EventSerdes serdes;
  private final ImageFetcher fetcher;
  private final List<StreamsApplication> applications = new ArrayList<>();
  private @Nullable FrameRecognizer recognizer;
  private final CountDownLatch stopped = new CountDownLatch(1);
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

  private RecognitionService(ShelfStreamConfig config, Role role) {
    this.config = config;
    this.role = role;
    this.serdes = EventSerdes.of(config.schemaRegistry());
    this.gallery = FollowedGallery.load(config, config.models().dir(), config.topics());
    this.fetcher = new ImageFetcher(config.images().fetchPolicy());
  }

  /** Starts the service with all its roles. */
  public static RecognitionService start(ShelfStreamConfig config) {
    return start(config, Role.ALL);
  }

  /**
   * Starts the service and returns once the gallery is caught up with its topic.
   *
   * @throws io.shelfstream.model.ModelException when the models do not load
   * @throws io.shelfstream.registry.SchemaRegistryException when the registry refuses our schemas
   * @throws org.apache.kafka.common.KafkaException when the broker cannot be reached or used
   */
  public static RecognitionService start(ShelfStreamConfig config, Role role) {
    RecognitionService service = new RecognitionService(config, role);
    try {
      service.run();
      return service;
    } catch (RuntimeException e) {
      service.close();
      throw e;
    }
  }

  private void run() {
    serdes.prepare(config.topics(), role);
    AccessRights.require(config, role);
    Topics.create(config, role);
    gallery.follow(serdes, this::failed);
    if (role.recognises()) {
      run(
          config.applicationId(),
          RecognitionTopology.recognition(
              config.topics(),
              serdes,
              startRecognizer(),
              new RecognitionEvents(config.recognition().profile().name(), Clock.systemUTC()),
              config.outputs()));
    }
    if (role.embeds()) {
      embed(gallery);
    }
    log.atInfo()
        .addKeyValue("role", role)
        .addKeyValue("detector", gallery.stages().models().detector())
        .addKeyValue("extractor", gallery.stages().models().extractor())
        .addKeyValue("provider", gallery.stages().models().provider())
        .log("Ready");
  }

  private FrameRecognizer startRecognizer() {
    Limits limits = Limits.of(config, gallery.stages().models().provider());
    FrameRecognizer started = new FrameRecognizer(fetcher, gallery::stages, limits);
    recognizer = started;
    return started;
  }

  private void embed(FollowedGallery into) {
    run(
        config.galleryApplicationId(into.stages().models().extractor()),
        RecognitionTopology.galleryUpdates(
            into.topics(), serdes, fetcher, new GalleryPhotos(into.stages()), config.outputs()));
  }

  private void run(String applicationId, Topology topology) {
    StreamsApplication application =
        new StreamsApplication(config, applicationId, topology, this::failed);
    applications.add(application);
    application.start();
  }

  private void failed(String application, Throwable cause) {
    failure.compareAndSet(null, cause);
    log.atError()
        .addKeyValue("application", application)
        .setCause(cause)
        .log("Kafka Streams failed; stopping so that a restart takes over");
    stopped.countDown();
  }

  /** The stages for a configuration; {@code recognize} puts them together the same way. */
  public static Stages stages(
      ShelfStreamConfig config, LoadedModels models, ProductSearch gallery) {
    FaissLibrary.threads(1); // whoever searches is one of the threads of the budget
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
        ModelIds.of(models),
        new ImageDecoder(limits),
        models.detector(),
        directory.detectorScoreThreshold(),
        profile,
        models.extractor(),
        gallery,
        policy);
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
    return gallery.stages().gallery();
  }

  /** Finishes the frames in hand, commits, leaves the group and frees the models. Idempotent. */
  @Override
  public void close() {
    serdes.registry().stop();
    applications.forEach(StreamsApplication::close);
    if (recognizer != null) {
      recognizer.close();
    }
    fetcher.close();
    gallery.close();
    stopped.countDown();
  }
}
