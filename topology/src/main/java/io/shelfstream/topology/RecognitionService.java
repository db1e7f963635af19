package io.shelfstream.topology;

import static io.shelfstream.streams.Lifecycle.State.DRAINING;
import static io.shelfstream.streams.Lifecycle.State.FAILED;
import static io.shelfstream.streams.Lifecycle.State.READY;
import static io.shelfstream.streams.Lifecycle.State.REBUILDING;
import static io.shelfstream.streams.Lifecycle.State.STARTING;
import static io.shelfstream.streams.Lifecycle.State.STOPPED;

import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmHeapPressureMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.shelfstream.broker.AccessRights;
import io.shelfstream.broker.BrokerWait;
import io.shelfstream.broker.Topics;
import io.shelfstream.config.ProgramVersion;
import io.shelfstream.config.Role;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.config.TopicNames;
import io.shelfstream.embedding.GalleryLinter;
import io.shelfstream.embedding.GalleryUpdateProcessor;
import io.shelfstream.embedding.PhotoEmbedder;
import io.shelfstream.embedding.UpdateMetrics;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.fetch.PatientFetcher;
import io.shelfstream.follower.GalleryMetrics;
import io.shelfstream.follower.LiveGallery;
import io.shelfstream.frames.FrameAnswers;
import io.shelfstream.frames.FrameProcessorSupplier;
import io.shelfstream.frames.FrameTraces;
import io.shelfstream.frames.FramesInHand;
import io.shelfstream.gallery.ProductSearch;
import io.shelfstream.http.CamerasService;
import io.shelfstream.http.EventFeed;
import io.shelfstream.http.HttpPort;
import io.shelfstream.http.ImageAnswers;
import io.shelfstream.http.RefusedException;
import io.shelfstream.http.ServiceStatus;
import io.shelfstream.index.Accelerator;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.messages.RecognitionEvents.SeenWith;
import io.shelfstream.messages.RecordLimits;
import io.shelfstream.metrics.FrameMetrics;
import io.shelfstream.metrics.KafkaMetrics;
import io.shelfstream.metrics.Metric;
import io.shelfstream.metrics.ServiceMetrics;
import io.shelfstream.outage.Deadline;
import io.shelfstream.recognition.FrameRecognizer;
import io.shelfstream.recognition.LoadedModels;
import io.shelfstream.recognition.ModelIds;
import io.shelfstream.recognition.RecognitionModels;
import io.shelfstream.recognition.RecognizerLimits;
import io.shelfstream.serving.ServicePort;
import io.shelfstream.serving.SubmittedImages;
import io.shelfstream.serving.TopicDeadLetters;
import io.shelfstream.serving.TopicEvents;
import io.shelfstream.serving.TopicGallery;
import io.shelfstream.streams.Deliveries;
import io.shelfstream.streams.FailedRecords;
import io.shelfstream.streams.Lag;
import io.shelfstream.streams.Lifecycle;
import io.shelfstream.streams.StreamsApplication;
import io.shelfstream.streams.WakeableClients;
import io.shelfstream.tracing.Traces;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.kafka.streams.Topology;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The service: models, gallery and the Kafka Streams applications of its role, opened in this order
 * and closed in reverse order.
 */
public final class RecognitionService implements AutoCloseable, ServiceStatus {
  private static final Logger log = LoggerFactory.getLogger(RecognitionService.class);

  private final ShelfStreamConfig config;
  private final Role role;
  private final EventSerdes serdes;
  private final LoadedModels models;
  private final @Nullable ModelChange change;
  private final @Nullable Accelerator accelerator;
  private final ImageFetcher fetcher;
  private final List<LiveGallery> galleries = new CopyOnWriteArrayList<>();
  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final ServiceMetrics metrics = new ServiceMetrics(registry);
  private final List<AutoCloseable> jvmMetrics = new ArrayList<>();
  private final FrameMetrics frameMetrics = new FrameMetrics(metrics);
  private final KafkaMetrics kafkaMetrics = new KafkaMetrics();
  private final Lag lag;
  private final Traces traces;
  private final FramesInHand framesInHand = new FramesInHand();
  private final List<AutoCloseable> frameThreads = new ArrayList<>();
  private final List<StreamsApplication> applications = new CopyOnWriteArrayList<>();
  private final Thread changing = new Thread(this::changeModels, "model-change");

  /**
   * Models and gallery for new frames; set before the first frame, and again when models change.
   */
  private volatile @Nullable RecognitionModels inUse;

  private volatile @Nullable LiveGallery searched;

  private final TopicGallery topicGallery;
  private final EventFeed feed;
  private final CamerasService cameras;
  private final TopicDeadLetters deadLetters;
  private volatile @Nullable ImageAnswers images;
  private volatile @Nullable HttpPort http;

  private final Lifecycle lifecycle = new Lifecycle("The service", this::changed);
  private final CountDownLatch stopped = new CountDownLatch(1);

  private RecognitionService(ShelfStreamConfig config, Role role, Traces traces) {
    this.config = config;
    this.traces = traces;
    this.role = role;
    this.serdes = EventSerdes.of(config.schemaRegistry());
    this.models = LoadedModels.load(config.models().dir(), config.models().options());
    try {
      this.change =
          config.next().map(n -> ModelChange.to(n, config, models.directory())).orElse(null);
    } catch (RuntimeException e) {
      models.close();
      throw e;
    }
    try {
      this.accelerator = Accelerator.open(config.index().device()).orElse(null);
    } catch (RuntimeException e) {
      if (change != null) {
        change.close();
      }
      models.close();
      throw e;
    }
    this.fetcher = new ImageFetcher(config.images().fetchPolicy());
    this.topicGallery = new TopicGallery(config, serdes, this::searchedGallery, fetcher);
    this.feed = new EventFeed(new TopicEvents(config, serdes));
    this.cameras = new CamerasService(feed, fetcher, config.images().limits());
    this.deadLetters = new TopicDeadLetters(config);
    this.lag = new Lag(config, metrics);
  }

  /** Starts the service with all its roles. */
  public static RecognitionService start(ShelfStreamConfig config) {
    return start(config, Role.ALL);
  }

  /**
   * Starts the service and returns once the gallery is caught up with its topic. A registry or a
   * broker that is away is waited for, {@code start.wait} at most.
   *
   * @throws io.shelfstream.outage.GaveUpException when it stays away for longer
   * @throws io.shelfstream.model.ModelException when the models do not load
   * @throws IllegalStateException when OpenTelemetry's variables cannot be used, or {@code
   *     http.port} cannot be opened
   * @throws io.shelfstream.index.IndexException when {@code index.device} cannot be had
   * @throws io.shelfstream.registry.SchemaRegistryException when the registry refuses our schemas
   * @throws org.apache.kafka.common.KafkaException when the broker refuses us or cannot be used
   */
  public static RecognitionService start(ShelfStreamConfig config, Role role) {
    RecognitionService service = open(config, role);
    try {
      service.run();
      return service;
    } catch (RuntimeException e) {
      service.close();
      throw e;
    }
  }

  private static RecognitionService open(ShelfStreamConfig config, Role role) {
    Traces traces = Traces.open();
    try {
      return new RecognitionService(config, role, traces);
    } catch (RuntimeException e) {
      traces.close();
      throw e;
    }
  }

  private void run() {
    if (config.http().port().isPresent()) {
      openHttp();
    }
    Deadline deadline = Deadline.in(config.startWait());
    serdes.prepare(config, role, deadline);
    BrokerWait.untilItAnswers(config, deadline);
    AccessRights.require(config, role);
    Topics.create(config, role);
    boolean changed = change != null && role.recognizes() && change.isComplete();
    if (role.embeds() || !changed) {
      follow(models, config.topics());
    }
    if (changed) {
      follow(Objects.requireNonNull(change).models(), change.topics());
    }
    RecordLimits limits = Topics.limits(config, role);
    if (role.recognizes()) {
      recognize(limits);
    }
    if (role.embeds()) {
      embed(limits);
    }
    if (change != null && !changed) {
      changing.setDaemon(true);
      changing.start();
    }
    ModelIds ids = inUse().ids();
    lifecycle.to(
        READY,
        "role %s, detector %s, extractor %s, provider %s"
            .formatted(role, ids.detector(), ids.extractor(), ids.provider()));
    metrics.gauge(
        Metric.INFO,
        ids,
        one -> 1,
        ProgramVersion.get(),
        ids.detector(),
        ids.extractor(),
        ids.provider(),
        role.name().toLowerCase(Locale.ROOT));
    if (http != null) {
      lag.start();
    }
    followParts(); // a part may have changed its state before
  }

  /**
   * Returns when the gallery has read its topic. From then on frames use it and its models, both
   * from the same moment.
   */
  private void follow(LoadedModels of, TopicNames topics) {
    LiveGallery gallery =
        new LiveGallery(
            config,
            of,
            accelerator,
            topics,
            (content, inFlight, failed) ->
                RecognitionTopology.galleryFollower(topics, serdes, content, inFlight, failed),
            this::partChanged);
    galleries.add(gallery);
    GalleryMetrics.of(gallery, metrics);
    measure(gallery.lifecycle());
    kafkaMetrics.add(gallery.followerId(), gallery::followerFigures);
    gallery.start();
    searched = gallery;
    inUse = gallery.models();
  }

  private void openHttp() {
    new JvmMemoryMetrics().bindTo(registry);
    JvmGcMetrics collections = new JvmGcMetrics();
    JvmHeapPressureMetrics heapPressure = new JvmHeapPressureMetrics();
    jvmMetrics.addAll(List.of(collections, heapPressure)); // they listen to the collectors
    collections.bindTo(registry);
    heapPressure.bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    new FileDescriptorMetrics().bindTo(registry);
    registry.getPrometheusRegistry().register(kafkaMetrics);
    var detector = metrics.histogram(Metric.BATCH_SIZE, "detector");
    models.detector().onRun(detector::observe);
    var extractor = metrics.histogram(Metric.BATCH_SIZE, "extractor");
    models.extractor().onRun(extractor::observe);
    http =
        ServicePort.open(
            config,
            models.detector().provider(),
            new ServicePort.Answers(
                this, this::recognizeImage, () -> topicGallery, feed, cameras, deadLetters),
            metrics,
            registry);
  }

  /** The gallery that callers see and change: that of the extractor in use. */
  private LiveGallery searchedGallery() {
    LiveGallery gallery = searched;
    if (gallery == null) {
      throw RefusedException.notReady("the gallery is being read; see /health/startup");
    }
    return gallery;
  }

  /** Recognises an image without its going through a topic. */
  public CompletableFuture<RecognitionEvent> recognizeImage(
      String camera, String frame, byte[] encoded) {
    ImageAnswers answers = images;
    if (answers != null) {
      return answers.recognize(camera, frame, encoded);
    }
    return CompletableFuture.failedFuture(
        role.recognizes()
            ? RefusedException.notReady("the service starts")
            : new RefusedException(
                RefusedException.Kind.NOT_HERE,
                "NOT_HERE",
                "this process has the role gallery; ask one that recognises"));
  }

  private void measure(Lifecycle part) {
    metrics.gauge(Metric.PART_READY, part, of -> of.is(READY) ? 1 : 0, part.of());
    metrics.counter(Metric.REBUILDS, part.of()); // from 0 on
  }

  private RecognitionModels inUse() {
    return Objects.requireNonNull(inUse);
  }

  private void recognize(RecordLimits records) {
    Deliveries deliveries = deliveries();
    WakeableClients clients = new WakeableClients();
    RecognizerLimits limits = RecognizerLimits.of(config, inUse().ids().provider());
    PatientFetcher frames = new PatientFetcher(fetcher, config.images().storeWait());
    FrameRecognizer recognizer = new FrameRecognizer(frames, this::inUse, limits);
    RecognitionEvents events =
        new RecognitionEvents(config.recognition().profile().name(), Clock.systemUTC());
    FrameAnswers answers =
        new FrameAnswers(
            config.topics().frames(),
            serdes,
            recognizer::submit,
            events,
            () -> SeenWith.of(inUse()),
            frames::isWaiting);
    frameThreads.add(answers);
    frameThreads.add(recognizer);
    images = new SubmittedImages(recognizer, events, traces);
    FrameProcessorSupplier recognize =
        FrameProcessorSupplier.of(
            config,
            answers,
            deliveries,
            records,
            framesInHand,
            clients,
            frameMetrics,
            new FrameTraces(traces, config.topics()));
    run(
        StreamsApplication.answeringLater(
            config,
            config.applicationId(),
            () ->
                RecognitionTopology.recognition(
                    config.topics(), serdes, recognize, config.outputs()),
            deliveries,
            clients,
            lifecycleOf(config.applicationId())),
        config.applicationId(),
        deliveries);
  }

  private Deliveries deliveries() {
    return new Deliveries(config.delivery().exactlyOnce(), new FailedRecords());
  }

  private void embed(RecordLimits limits) {
    LiveGallery into = galleries.get(0);
    PatientFetcher updated = new PatientFetcher(fetcher, waitOfPhotos());
    UpdateMetrics updates = new UpdateMetrics(metrics);
    PhotoEmbedder photos = new PhotoEmbedder(into.models());
    GalleryLinter linter =
        new GalleryLinter(
            config
                .gallery()
                .lintRules(
                    models.directory().extractorInputSize(), into.models().policy().threshold()),
            into,
            into::resemblance,
            into.inFlight());
    embed(
        config.galleryApplicationId(config.topics(), models.directory().extractorId()),
        deliveries ->
            RecognitionTopology.galleryUpdates(
                config.topics(),
                serdes,
                updated,
                photos,
                linter,
                into.inFlight(),
                deliveries,
                limits,
                config.outputs(),
                updates,
                traces));
    if (change != null) {
      embed(
          change.applicationId(),
          deliveries ->
              RecognitionTopology.galleryUpdatesAgain(
                  change.topics(),
                  serdes,
                  updated,
                  change.photos(),
                  deliveries,
                  limits,
                  config.outputs()));
    }
  }

  /** Photos are fetched on stream threads, which have to poll in time. */
  private Duration waitOfPhotos() {
    Duration most = config.delivery().pollBudget().dividedBy(4);
    Duration wait = config.images().storeWait();
    return wait.compareTo(most) < 0 ? wait : most;
  }

  private void embed(String applicationId, Function<Deliveries, Topology> topology) {
    Deliveries deliveries = deliveries();
    run(
        StreamsApplication.answeringAtOnce(
            config,
            applicationId,
            () -> topology.apply(deliveries),
            deliveries,
            GalleryUpdateProcessor.SETTINGS,
            lifecycleOf(applicationId)),
        applicationId,
        deliveries);
  }

  private Lifecycle lifecycleOf(String application) {
    return new Lifecycle("The application " + application, this::partChanged);
  }

  private void run(StreamsApplication application, String id, Deliveries deliveries) {
    applications.add(application);
    measure(application.lifecycle());
    kafkaMetrics.add(id, application::figures);
    lag.watch(id, deliveries.progress());
    application.start();
  }

  /**
   * Waits until the next gallery is complete and switches to it. The old gallery stays open: frames
   * may still be searching it, and photos are still embedded for it, so that the change can be
   * undone.
   */
  private void changeModels() {
    ModelChange to = Objects.requireNonNull(change);
    if (!to.awaitComplete() || !role.recognizes()) {
      return;
    }
    try {
      follow(to.models(), to.topics());
      log.atInfo()
          .addKeyValue("extractor", inUse().ids().extractor())
          .log("Recognition has gone over to the next models and their gallery");
    } catch (RuntimeException e) {
      lifecycle.to(FAILED, "the change of models went wrong", e);
    }
  }

  private static void closeQuietly(AutoCloseable part) {
    try {
      part.close();
    } catch (Exception e) {
      log.atWarn().setCause(e).log("Closing {} failed", part);
    }
  }

  /**
   * Called when the state of a gallery or an application has changed. The state of the service
   * depends on all of them.
   */
  private void partChanged(Lifecycle part) {
    if (part.is(REBUILDING)) {
      metrics.counter(Metric.REBUILDS, part.of()).increment();
    }
    if (part.is(FAILED)) {
      lifecycle.to(FAILED, part.of() + " has failed; a restart has to take over", part.failure());
    } else if (!lifecycle.is(STARTING)) {
      followParts();
    }
  }

  private void followParts() {
    if (allParts().anyMatch(p -> p.is(REBUILDING))) {
      lifecycle.to(REBUILDING, "a part of it is, and what can go on goes on");
    } else if (lifecycle.is(REBUILDING)
        && allParts().allMatch(p -> p.is(READY) || p.is(STARTING))) {
      lifecycle.to(READY, "all its parts are");
    }
  }

  private Stream<Lifecycle> allParts() {
    return Stream.concat(
        galleries.stream().map(LiveGallery::lifecycle),
        applications.stream().map(StreamsApplication::lifecycle));
  }

  @Override
  public Lifecycle lifecycle() {
    return lifecycle;
  }

  @Override
  public List<Lifecycle> parts() {
    return allParts().toList();
  }

  @Override
  public List<Reading> readings() {
    List<Reading> readings = new ArrayList<>();
    for (LiveGallery gallery : galleries) {
      gallery
          .progress()
          .ifPresent(
              p -> readings.add(new Reading(gallery.topic(), p.records(), p.of(), p.perSecond())));
    }
    return readings;
  }

  /** Where it answers HTTP; empty where {@code http.port} is not set. */
  public OptionalInt httpPort() {
    HttpPort port = http;
    return port == null ? OptionalInt.empty() : OptionalInt.of(port.port());
  }

  private void changed(Lifecycle now) {
    if (now.is(FAILED) || now.is(STOPPED)) {
      stopped.countDown();
    }
  }

  /**
   * Waits until the service has stopped.
   *
   * @return what stopped it, or null when it was {@link #close}
   */
  public @Nullable Throwable awaitStop() throws InterruptedException {
    stopped.await();
    return lifecycle.failure();
  }

  /** The live gallery of this instance. */
  public ProductSearch gallery() {
    return inUse().gallery();
  }

  /**
   * Whether the service works: false while an application or the gallery is rebuilt after a
   * failure, and after the service was told to stop.
   */
  @Override
  public boolean isReady() {
    return lifecycle.is(READY) && applications.stream().allMatch(StreamsApplication::isReady);
  }

  /**
   * Finishes the frames in hand, within {@code delivery.drain}, commits, leaves the group and frees
   * the models. Idempotent.
   */
  @Override
  public void close() {
    lifecycle.to(DRAINING, "told to stop");
    applications.forEach(StreamsApplication::stopping);
    galleries.forEach(LiveGallery::stopping);
    serdes.registry().stop();
    if (change != null) {
      change.cancel();
      joinChange();
    }
    int left = framesInHand.drain(config.delivery().drain());
    if (left > 0) {
      log.atWarn()
          .addKeyValue("frames", left)
          .log("Frames in hand were not finished in time; another instance takes them up");
    }
    lag.close();
    applications.forEach(StreamsApplication::close);
    frameThreads.forEach(RecognitionService::closeQuietly);
    HttpPort port = http;
    feed.close();
    if (port != null) {
      port.close();
    }
    cameras.close();
    deadLetters.close();
    topicGallery.close();
    jvmMetrics.forEach(RecognitionService::closeQuietly);
    fetcher.close();
    galleries.forEach(LiveGallery::close);
    traces.close();
    if (accelerator != null) {
      accelerator.close();
    }
    if (change != null) {
      change.close();
    }
    models.close();
    lifecycle.to(STOPPED, "closed");
  }

  private void joinChange() {
    try {
      changing.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
