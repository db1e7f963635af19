package io.shelfstream.tracing;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.spi.ConfigurationException;
import io.opentelemetry.sdk.resources.Resource;
import io.shelfstream.config.ProgramVersion;
import io.shelfstream.fetch.References;
import io.shelfstream.messages.SourcePosition;
import io.shelfstream.messages.TraceContext;
import io.shelfstream.recognition.ShortText;
import io.shelfstream.recognition.Stage;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The spans of this process, exported by OpenTelemetry's SDK when its environment variables ask for
 * it. Off otherwise: then every call returns at once.
 *
 * <p>Spans are made by the thread that sends an answer, from times that were noted before; no
 * context of OpenTelemetry follows a frame from thread to thread. They wait in a queue of bounded
 * length; a receiver that is away costs spans and one line of the log in ten minutes, and never
 * holds up a frame. Safe for several threads.
 */
public final class Traces implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Traces.class);

  /** Longest wait for the receiver when the process ends. */
  static final Duration FLUSH = Duration.ofSeconds(5);

  /** Makes no spans. */
  public static final Traces OFF = new Traces(null);

  private static final String NAME = "shelfstream";
  private static final AttributeKey<String> SERVICE = AttributeKey.stringKey("service.name");
  private static final AttributeKey<String> VERSION = AttributeKey.stringKey("service.version");

  private static final TextMapGetter<TraceContext> HEADERS =
      new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(TraceContext carrier) {
          return List.of("traceparent", "tracestate");
        }

        @Override
        public @Nullable String get(@Nullable TraceContext carrier, String key) {
          if (carrier == null) {
            return null;
          }
          return switch (key) {
            case "traceparent" -> carrier.parent();
            case "tracestate" -> carrier.state();
            default -> null;
          };
        }
      };

  private final @Nullable Sdk sdk;

  private Traces(@Nullable Sdk sdk) {
    this.sdk = sdk;
  }

  private record Sdk(OpenTelemetrySdk telemetry, Tracer tracer, SdkLog log) {}

  /**
   * Opens what the environment variables of OpenTelemetry, or its system properties, ask for.
   *
   * @return {@link #OFF} when they do not name an exporter or a receiver
   * @throws IllegalStateException naming what is wrong with them
   */
  public static Traces open() {
    Map<String, String> settings = new TreeMap<>();
    System.getenv()
        .forEach(
            (name, value) -> {
              if (name.startsWith("OTEL_")) {
                settings.put(name.toLowerCase(Locale.ROOT).replace('_', '.'), value);
              }
            });
    for (String name : System.getProperties().stringPropertyNames()) {
      if (name.startsWith("otel.")) {
        settings.put(name, System.getProperty(name));
      }
    }
    return open(settings);
  }

  /**
   * The same with given settings, which variables and properties override.
   *
   * @param settings named as system properties: {@code otel.exporter.otlp.endpoint}
   */
  static Traces open(Map<String, String> settings) {
    if (!isAskedFor(settings)) {
      return OFF;
    }
    SdkLog sdkLog = SdkLog.open();
    try {
      OpenTelemetrySdk telemetry =
          AutoConfiguredOpenTelemetrySdk.builder()
              .disableShutdownHook() // the service closes it, after its last frame
              .addPropertiesSupplier(() -> settings)
              // Metrics are scraped, logs go to standard error, and headers are W3C's in any case:
              // what the variables say of these for other programs must not stop this one.
              .addPropertiesCustomizer(
                  given ->
                      Map.of(
                          "otel.metrics.exporter", "none",
                          "otel.logs.exporter", "none",
                          "otel.propagators", "tracecontext"))
              .addResourceCustomizer((resource, given) -> named(resource))
              .build()
              .getOpenTelemetrySdk();
      log.atInfo()
          .addKeyValue("receiver", receiver(settings))
          .addKeyValue("protocol", settings.getOrDefault("otel.exporter.otlp.protocol", "grpc"))
          .addKeyValue("sampler", sampler(telemetry))
          .log("Traces are exported by OpenTelemetry");
      return new Traces(new Sdk(telemetry, telemetry.getTracer("io.shelfstream"), sdkLog));
    } catch (ConfigurationException e) {
      sdkLog.close();
      throw new IllegalStateException(
          "Traces cannot be set up: %s; correct that OTEL_ variable, or set OTEL_SDK_DISABLED=true"
              .formatted(e.getMessage()),
          e);
    }
  }

  private static String receiver(Map<String, String> settings) {
    String given =
        settings.getOrDefault(
            "otel.exporter.otlp.traces.endpoint",
            settings.getOrDefault("otel.exporter.otlp.endpoint", "as the exporter has it"));
    return References.withoutSecrets(given);
  }

  private static String sampler(OpenTelemetrySdk telemetry) {
    String description = telemetry.getSdkTracerProvider().getSampler().getDescription();
    return description.replaceAll(",(remote|local)Parent\\w+:Always(On|Off)Sampler", "");
  }

  private static boolean isAskedFor(Map<String, String> settings) {
    String exporter = settings.getOrDefault("otel.traces.exporter", "").strip();
    boolean hasReceiver =
        !settings.getOrDefault("otel.exporter.otlp.endpoint", "").isBlank()
            || !settings.getOrDefault("otel.exporter.otlp.traces.endpoint", "").isBlank();
    return !Boolean.parseBoolean(settings.get("otel.sdk.disabled"))
        && !exporter.equals("none")
        && (!exporter.isEmpty() || hasReceiver);
  }

  /** As the variables name the service, or as we are called. */
  private static Resource named(Resource resource) {
    String name = resource.getAttribute(SERVICE);
    var named = resource.toBuilder();
    if (name == null || name.startsWith("unknown_service")) {
      named.put(SERVICE, NAME);
    }
    if (resource.getAttribute(VERSION) == null) {
      named.put(VERSION, ProgramVersion.get());
    }
    return named.build();
  }

  /**
   * Begins the work on a record.
   *
   * @param headers of the record: the span that they name is the parent
   * @param camera empty when the record is of no camera
   */
  public WorkSpan process(SourcePosition source, Headers headers, String camera) {
    return sdk == null ? WorkSpan.NONE : process(source, TraceContext.of(headers), camera);
  }

  /**
   * The same.
   *
   * @param parent null when the headers name none
   */
  WorkSpan process(SourcePosition source, @Nullable TraceContext parent, String camera) {
    Sdk on = sdk;
    if (on == null) {
      return WorkSpan.NONE;
    }
    SpanBuilder span =
        on.tracer
            .spanBuilder("process " + source.topic())
            .setSpanKind(SpanKind.CONSUMER)
            .setAttribute("messaging.system", "kafka")
            .setAttribute("messaging.operation.type", "process")
            .setAttribute("messaging.operation.name", "process")
            .setAttribute("messaging.destination.name", source.topic())
            .setAttribute(
                "messaging.destination.partition.id", Integer.toString(source.partition()))
            .setAttribute("messaging.kafka.offset", source.offset());
    return begin(on, span, parent, camera, Stage.FETCH);
  }

  /**
   * Begins the work on an image that a caller sent.
   *
   * @param parent the span of the caller; null when it named none
   */
  public WorkSpan recognize(@Nullable TraceContext parent, String camera) {
    Sdk on = sdk;
    return on == null
        ? WorkSpan.NONE
        : begin(
            on,
            on.tracer.spanBuilder("recognize image").setSpanKind(SpanKind.SERVER),
            parent,
            camera,
            Stage.DECODE);
  }

  private static WorkSpan begin(
      Sdk on, SpanBuilder span, @Nullable TraceContext parent, String camera, Stage first) {
    if (!camera.isEmpty()) {
      span.setAttribute(WorkSpan.CAMERA, ShortText.of(camera));
    }
    return WorkSpan.begin(on.tracer, span.setParent(context(parent)), first);
  }

  /**
   * Records something that took place after the work on a record had been answered, and does what
   * is to be done now within that span.
   *
   * @param source headers that name the parent; where they do not, nothing is recorded
   */
  public void later(String name, Headers source, Instant begin, Instant end, Runnable work) {
    Sdk on = sdk;
    TraceContext parent = on == null ? null : TraceContext.of(source);
    if (on == null || parent == null) {
      work.run();
      return;
    }
    Span span =
        on.tracer.spanBuilder(name).setParent(context(parent)).setStartTimestamp(begin).startSpan();
    WorkSpan.within(span, work);
    span.end(end);
  }

  private static Context context(@Nullable TraceContext parent) {
    return parent == null
        ? Context.root()
        : W3CTraceContextPropagator.getInstance().extract(Context.root(), parent, HEADERS);
  }

  /** Sends what waits in the queue, within {@link #FLUSH}. Idempotent. */
  @Override
  public void close() {
    if (sdk == null) {
      return;
    }
    if (!sdk.telemetry.shutdown().join(FLUSH.toMillis(), TimeUnit.MILLISECONDS).isSuccess()) {
      log.atWarn()
          .addKeyValue("seconds", FLUSH.toSeconds())
          .log("The last spans were not sent: their receiver did not take them in time");
    }
    sdk.log.close();
  }
}
