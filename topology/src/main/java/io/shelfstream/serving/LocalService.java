package io.shelfstream.serving;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.shelfstream.client.GivenPhoto;
import io.shelfstream.client.GivenPhotos;
import io.shelfstream.client.Progress;
import io.shelfstream.config.ProgramVersion;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.embedding.PhotoEmbedder;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.fetch.PatientFetcher;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.gallery.ProductSearch;
import io.shelfstream.gallery.paddleclas.IndexDirectory;
import io.shelfstream.http.CamerasService;
import io.shelfstream.http.EventFeed;
import io.shelfstream.http.GalleryAccess;
import io.shelfstream.http.GalleryAccess.NewPhoto;
import io.shelfstream.http.HttpPort;
import io.shelfstream.http.ImageAnswers;
import io.shelfstream.http.RefusedException;
import io.shelfstream.http.ServiceStatus;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.metrics.Metric;
import io.shelfstream.metrics.ServiceMetrics;
import io.shelfstream.recognition.FrameRecognizer;
import io.shelfstream.recognition.LoadedModels;
import io.shelfstream.recognition.ModelIds;
import io.shelfstream.recognition.RecognitionModels;
import io.shelfstream.recognition.RecognizerLimits;
import io.shelfstream.streams.Lifecycle;
import io.shelfstream.tracing.Traces;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Recognition by HTTP over a local gallery, without Kafka: the port of the service, with the same
 * API.
 */
public final class LocalService implements ServiceStatus, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(LocalService.class);
  private static final int MOST_NAMED = 20;

  private final Lifecycle lifecycle = new Lifecycle("The local service");
  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private final CountDownLatch stopped = new CountDownLatch(1);
  private final AtomicReference<@Nullable Reading> reading = new AtomicReference<>();
  private final ShelfStreamConfig config;
  private final Traces traces;
  private final LoadedModels models;
  private volatile @Nullable ImageAnswers images;
  private volatile @Nullable GalleryAccess photos;
  private @Nullable HttpPort port;

  /** Where the gallery comes from; all empty: one without photos. */
  public record Source(
      Optional<Path> gallery, Optional<Path> imageRoot, Optional<Path> indexDirectory) {}

  private LocalService(ShelfStreamConfig config) {
    this.config = config;
    this.traces = opened(Traces.open());
    this.models = LoadedModels.load(config.models().dir(), config.models().options());
    open.push(models);
  }

  /**
   * Opens the port, then fills the gallery, and returns when it is ready.
   *
   * @param config with {@code http.port} set
   * @throws io.shelfstream.client.UsageException when the gallery's file or folder cannot be used
   * @throws IllegalStateException when the port cannot be opened, or OpenTelemetry's variables
   *     cannot be used
   */
  public static LocalService start(ShelfStreamConfig config, Source source) throws IOException {
    LocalService service = new LocalService(config);
    try {
      service.run(source);
      return service;
    } catch (IOException | RuntimeException e) {
      service.close();
      throw e;
    }
  }

  private void run(Source source) throws IOException {
    ImageFetcher fetcher = opened(new ImageFetcher(config.images().fetchPolicy()));
    ServiceMetrics metrics = new ServiceMetrics(registry);
    EventFeed feed = opened(new EventFeed(events -> () -> {}));
    CamerasService cameras = opened(new CamerasService(feed, fetcher, config.images().limits()));
    port =
        ServicePort.open(
            config,
            models.detector().provider(),
            new ServicePort.Answers(
                this, this::recognize, this::photos, feed, cameras, new NoDeadLetters()),
            metrics,
            registry);
    ProductSearch search;
    if (source.indexDirectory().isPresent()) {
      IndexDirectory index =
          opened(IndexFolder.open(source.indexDirectory().get(), config, models.directory()));
      photos = new IndexPhotos(index, models.directory().extractorId());
      search = index;
    } else {
      Gallery gallery =
          opened(
              new Gallery(
                  config.index().type(),
                  models.directory().extractorDimension(),
                  models.directory().extractorId()));
      LocalPhotos local =
          new LocalPhotos(
              gallery, new PhotoEmbedder(RecognitionModels.of(config, models, gallery)), fetcher);
      if (source.gallery().isPresent()) {
        fill(local, source.gallery().get(), source.imageRoot().orElse(null));
      }
      gallery.caughtUp();
      photos = local;
      search = gallery;
    }
    RecognitionModels recognition = RecognitionModels.of(config, models, search);
    ModelIds ids = recognition.ids();
    FrameRecognizer recognizer =
        opened(
            new FrameRecognizer(
                new PatientFetcher(fetcher, Duration.ZERO),
                () -> recognition,
                RecognizerLimits.of(config, ids.provider())));
    ImageAnswers answers =
        new SubmittedImages(
            recognizer,
            new RecognitionEvents(config.recognition().profile().name(), Clock.systemUTC()),
            traces);
    images =
        (camera, frame, encoded) ->
            answers
                .recognize(camera, frame, encoded)
                .whenComplete((event, failure) -> publish(feed, event));
    metrics.gauge(
        Metric.INFO,
        ids,
        one -> 1,
        ProgramVersion.get(),
        ids.detector(),
        ids.extractor(),
        ids.provider(),
        "serve");
    lifecycle.to(
        Lifecycle.State.READY,
        "%d photos, detector %s, extractor %s, provider %s"
            .formatted(search.state().size(), ids.detector(), ids.extractor(), ids.provider()));
  }

  private static void publish(EventFeed feed, @Nullable RecognitionEvent event) {
    if (event != null) {
      feed.publish(event);
    }
  }

  /** Recognises an image without the port, for callers in this process. */
  public CompletableFuture<RecognitionEvent> recognize(
      String camera, String frame, byte[] encoded) {
    ImageAnswers answers = images;
    return answers == null
        ? CompletableFuture.failedFuture(RefusedException.notReady("the gallery is being read"))
        : answers.recognize(camera, frame, encoded);
  }

  private GalleryAccess photos() {
    GalleryAccess gallery = photos;
    if (gallery == null) {
      throw RefusedException.notReady("the gallery is being read; see /health/startup");
    }
    return gallery;
  }

  private <T extends AutoCloseable> T opened(T resource) {
    open.push(resource);
    return resource;
  }

  private void fill(LocalPhotos local, Path source, @Nullable Path imageRoot) throws IOException {
    GivenPhotos read = GivenPhotos.read(List.of(source), imageRoot, null).withItsPhotos(source);
    read.notes().forEach(note -> log.atWarn().log(note));
    List<GivenPhoto> given = read.photos();
    List<String> unusable = new ArrayList<>();
    long begun = System.nanoTime();
    try (Progress progress =
        new Progress("Embedding gallery photos", given.size(), Progress.Reader.LOG)) {
      for (int i = 0; i < given.size(); i++) {
        GivenPhoto photo = given.get(i);
        double seconds = Math.max(1e-3, (System.nanoTime() - begun) / 1e9);
        reading.set(new Reading(source.toString(), i, given.size(), i / seconds));
        try {
          local.add(
              new NewPhoto(
                  photo.id(),
                  photo.label(),
                  photo.label(),
                  photo.normalisedGtin(),
                  null,
                  null,
                  null,
                  false,
                  Map.of()),
              () -> Files.readAllBytes(photo.file()));
        } catch (RefusedException | IllegalArgumentException | IOException e) {
          unusable.add(photo.file() + ": " + e.getMessage());
        }
        progress.step();
      }
    }
    reading.set(null);
    unusable.stream().limit(MOST_NAMED).forEach(why -> log.atWarn().log("Photo left out: {}", why));
    if (unusable.size() > MOST_NAMED) {
      log.atWarn().log("{} more photos were left out", unusable.size() - MOST_NAMED);
    }
  }

  @Override
  public Lifecycle lifecycle() {
    return lifecycle;
  }

  @Override
  public List<Lifecycle> parts() {
    return List.of();
  }

  @Override
  public boolean isReady() {
    return lifecycle.is(Lifecycle.State.READY);
  }

  @Override
  public List<Reading> readings() {
    Reading now = reading.get();
    return now == null ? List.of() : List.of(now);
  }

  /** The port that it listens on. */
  public int httpPort() {
    HttpPort opened = port;
    return opened == null ? -1 : opened.port();
  }

  /** Waits until {@link #close}. */
  public void awaitStop() throws InterruptedException {
    stopped.await();
  }

  /** Answers what is in hand, then closes the port and frees gallery and models. Idempotent. */
  @Override
  public synchronized void close() {
    lifecycle.to(Lifecycle.State.DRAINING, "told to stop");
    HttpPort opened = port;
    if (opened != null) {
      opened.close(); // before the recogniser: it still answers what was taken
      port = null;
    }
    while (!open.isEmpty()) {
      AutoCloseable resource = open.pop();
      try {
        resource.close();
      } catch (Exception e) {
        log.atWarn().setCause(e).log("{} did not close", resource);
      }
    }
    lifecycle.to(Lifecycle.State.STOPPED, "closed");
    stopped.countDown();
  }
}
