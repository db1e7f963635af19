package io.shelfstream.serving;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.shelfstream.config.ProgramVersion;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.grpc.RecognitionRoutes;
import io.shelfstream.http.CamerasService;
import io.shelfstream.http.DeadLetterAccess;
import io.shelfstream.http.DeadLettersService;
import io.shelfstream.http.DocsRoutes;
import io.shelfstream.http.EventFeed;
import io.shelfstream.http.EventsService;
import io.shelfstream.http.GalleryAccess;
import io.shelfstream.http.GalleryService;
import io.shelfstream.http.HealthService;
import io.shelfstream.http.HttpPort;
import io.shelfstream.http.ImageAnswers;
import io.shelfstream.http.ImageRequests;
import io.shelfstream.http.PageRoutes;
import io.shelfstream.http.ProcessRoutes;
import io.shelfstream.http.Receiving;
import io.shelfstream.http.RecognizeService;
import io.shelfstream.http.ServiceStatus;
import io.shelfstream.image.ImageLimits;
import io.shelfstream.metrics.Metric;
import io.shelfstream.metrics.ProcessMemory;
import io.shelfstream.metrics.ServiceMetrics;
import io.shelfstream.recognition.RecognizerLimits;
import java.util.List;
import java.util.function.Supplier;

/** The whole port, with every route: the same for the service of a broker and for a local one. */
public final class ServicePort {
  private ServicePort() {}

  /**
   * What answers callers.
   *
   * @param gallery asked at each request; may refuse
   */
  public record Answers(
      ServiceStatus status,
      ImageAnswers images,
      Supplier<GalleryAccess> gallery,
      EventFeed events,
      CamerasService cameras,
      DeadLetterAccess deadLetters) {}

  /**
   * Opens the port.
   *
   * @param config with {@code http.port} set
   * @param provider where the models run: cpu, cuda or tensorrt
   * @param metrics made in the registry, which is shown
   * @throws IllegalStateException naming host and port when it cannot be bound
   */
  public static HttpPort open(
      ShelfStreamConfig config,
      String provider,
      Answers answers,
      ServiceMetrics metrics,
      PrometheusMeterRegistry registry) {
    ServiceStatus status = answers.status();
    metrics.gauge(Metric.READY, status, of -> of.isReady() ? 1 : 0);
    metrics.gauge(Metric.RESIDENT_MEMORY, registry, of -> ProcessMemory.resident());
    ImageLimits limits = config.images().limits();
    Receiving receiving = new Receiving(config.images().encodedBytes());
    int workers = RecognizerLimits.of(config, provider).workers();
    ImageRequests requests =
        new ImageRequests(answers.images(), status, metrics, ImageRequests.PER_WORKER * workers);
    return HttpPort.open(
        config.http(),
        config.images().maxBytes(),
        List.of(
            new HealthService(status),
            new DocsRoutes(ProgramVersion.get(), config.http().token().isPresent()),
            new ProcessRoutes(registry, ProgramVersion.get(), config.toString()),
            new RecognizeService(requests, limits, receiving),
            new GalleryService(answers.gallery(), limits, receiving),
            new EventsService(answers.events()),
            answers.cameras(),
            new DeadLettersService(answers.deadLetters()),
            new PageRoutes(),
            new RecognitionRoutes(requests, status, config.images().maxBytes())));
  }
}
