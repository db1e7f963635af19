package io.shelfstream.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.streams.errors.DefaultProductionExceptionHandler;
import org.apache.kafka.streams.errors.LogAndFailExceptionHandler;
import org.apache.kafka.streams.errors.LogAndFailProcessingExceptionHandler;
import org.jspecify.annotations.Nullable;

/**
 * Every setting of the service, checked. What each means is in {@code reference.properties}. A
 * value on the command line overrides the environment, which overrides the file, which overrides
 * the default.
 *
 * @param kafka passed through to Kafka's clients and Streams untouched, without the prefix
 * @param schemaRegistry settings of the registry and the serialisers, under their official names
 * @param next the next models, while models are being changed; empty: none
 * @param stateDir where Kafka Streams keeps its state; empty: its own default
 * @param startWait how long a start waits for a broker or a registry that is away; empty: until it
 *     answers
 */
public record ShelfStreamConfig(
    Map<String, String> kafka,
    String applicationId,
    Optional<Path> stateDir,
    Optional<Duration> startWait,
    TopicNames topics,
    Outputs outputs,
    Map<String, String> schemaRegistry,
    Models models,
    RecognitionSettings recognition,
    OverloadSettings overload,
    DeliverySettings delivery,
    IndexSettings index,
    GallerySettings gallery,
    Optional<NextModels> next,
    ImageSettings images,
    HttpSettings http,
    LogFormat logFormat) {

  private static final Duration LONGEST_WAIT = Duration.ofHours(24);

  private static final Map<String, String> KAFKA_DEFAULTS =
      Map.of("bootstrap.servers", "localhost:9092");

  /**
   * Exception handlers of Kafka Streams; any other may skip a record, which would then be in no
   * topic.
   */
  private static final Map<String, Class<?>> FAILING_HANDLERS =
      new TreeMap<>(
          Map.of(
              "processing.exception.handler",
              LogAndFailProcessingExceptionHandler.class,
              "deserialization.exception.handler",
              LogAndFailExceptionHandler.class,
              "default.deserialization.exception.handler",
              LogAndFailExceptionHandler.class,
              "production.exception.handler",
              DefaultProductionExceptionHandler.class,
              "default.production.exception.handler",
              DefaultProductionExceptionHandler.class));

  private static final String HANDLER_REMEDY =
      "remove it; a handler that goes on loses the record, while ShelfStream itself sends what cannot be used to topics.dead.letters and begins again after any other failure (delivery.restarts)";

  public ShelfStreamConfig {
    kafka = Map.copyOf(kafka);
    schemaRegistry = Map.copyOf(schemaRegistry);
  }

  /**
   * Loads the configuration of a command that needs no models.
   *
   * @param file properties in UTF-8; null: defaults and environment only
   * @param overrides settings of the command line by key
   * @throws ConfigException listing everything that is wrong
   */
  public static ShelfStreamConfig load(@Nullable Path file, Map<String, String> overrides) {
    return load(file, System.getenv(), overrides, false);
  }

  /** The same for a command that recognises: {@code models.dir} must be set as well. */
  public static ShelfStreamConfig loadWithModels(
      @Nullable Path file, Map<String, String> overrides) {
    return load(file, System.getenv(), overrides, true);
  }

  static ShelfStreamConfig load(
      @Nullable Path file,
      Map<String, String> environment,
      Map<String, String> overrides,
      boolean withModels) {
    ConfigFile read = file == null ? new ConfigFile(Map.of(), List.of()) : ConfigFile.read(file);
    Settings settings =
        new Settings(
            new Sources(overrides, environment, read.settings(), String.valueOf(file)),
            read.problems());
    ShelfStreamConfig config = from(settings);
    if (withModels) {
      config.models.requireDirectory(settings);
    }
    settings.finish();
    return config;
  }

  static ShelfStreamConfig from(Settings settings) {
    settings.refuseKafka("application.id", "application.id");
    settings.refuseKafka("state.dir", "state.dir");
    FAILING_HANDLERS.forEach(
        (key, handler) -> settings.requireKafka(key, handler.getName(), HANDLER_REMEDY));
    String applicationId = settings.get("application.id", "shelfstream", Formats.topicName());
    TopicNames topics = TopicSettings.from(settings);
    Outputs outputs = TopicSettings.outputs(settings, applicationId, topics);
    return new ShelfStreamConfig(
        settings.kafka(KAFKA_DEFAULTS),
        applicationId,
        settings.optional("state.dir", Formats.path("a directory")),
        settings.optional("start.wait", Durations.from(Duration.ZERO, LONGEST_WAIT)),
        topics,
        outputs,
        RegistrySettings.from(settings),
        Models.from(settings),
        RecognitionSettings.from(settings),
        OverloadSettings.from(settings),
        DeliverySettings.from(settings),
        IndexSettings.from(settings),
        GallerySettings.from(settings),
        NextModels.from(settings, topics, outputs),
        ImageSettings.from(settings),
        HttpSettings.from(settings),
        settings.get(
            "log.format",
            "text",
            Formats.oneOf(Map.of("text", LogFormat.TEXT, "json", LogFormat.JSON))));
  }

  /**
   * Name of the application that embeds photos with an extractor: consumer group and prefix of
   * transactional ids. It does not contain {@code application.id}, so that a second application on
   * the same topics does not embed everything again. It contains the extractor, because each
   * extractor has to embed everything.
   *
   * @param topics whose vectors topic it writes
   */
  public String galleryApplicationId(TopicNames topics, String extractorId) {
    return galleryApplicationPrefix(topics) + extractorId.replaceAll("[^A-Za-z0-9._-]", "-");
  }

  /** Prefix of the names of all applications that embed for a vectors topic. */
  public String galleryApplicationPrefix(TopicNames topics) {
    return gallery.applicationId().orElse(topics.galleryVectors() + ".embedding") + "-";
  }

  /** The topics with the next extractor's vectors, while models are being changed. */
  public Optional<TopicNames> nextTopics() {
    return next.map(n -> topics.withGalleryVectors(n.vectors()));
  }

  /** The changelog on which Kafka Streams keeps the frames in hand, so that a crash loses none. */
  public String pendingFramesTopic() {
    return applicationId + "-" + NodeNames.PENDING_FRAMES + "-changelog";
  }

  /** Where schema ids come from; a user and password in it are not shown. */
  public String schemaRegistryUrl() {
    return RegistrySettings.shownUrl(schemaRegistry);
  }

  /** For the log at start; passwords are not shown. */
  @Override
  public String toString() {
    Map<String, String> shown = new TreeMap<>();
    kafka.forEach((key, value) -> shown.put(key, Problem.shown(key, value)));
    return "ShelfStreamConfig[kafka="
        + shown
        + ", applicationId="
        + applicationId
        + ", stateDir="
        + stateDir
        + ", startWait="
        + startWait
        + ", topics="
        + topics
        + ", outputs="
        + outputs
        + ", schemaRegistryUrl="
        + schemaRegistryUrl()
        + ", models="
        + models
        + ", recognition="
        + recognition
        + ", overload="
        + overload
        + ", delivery="
        + delivery
        + ", index="
        + index
        + ", gallery="
        + gallery
        + ", next="
        + next
        + ", images="
        + images
        + ", http="
        + http.shown()
        + ", logFormat="
        + logFormat
        + "]";
  }
}
