package io.shelfstream.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.shelfstream.detect.Profile;
import io.shelfstream.fetch.BucketRules;
import io.shelfstream.fetch.FetchLimits;
import io.shelfstream.fetch.FetchPolicy;
import io.shelfstream.fetch.HostRules;
import io.shelfstream.fetch.HttpRules;
import io.shelfstream.image.Tiles;
import io.shelfstream.index.DeviceOptions;
import io.shelfstream.index.SearchDevice;
import io.shelfstream.model.Provider;
import io.shelfstream.model.RuntimeOptions;
import io.shelfstream.s3.S3Settings;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

class ShelfStreamConfigTest {

  @TempDir Path dir;

  @ParameterizedTest
  @CsvSource({"auto, 0", "1, 1", "16, 16"})
  void readsHowFramesAreCut(String written, int along) {
    assertThat(load(null, Map.of(), Map.of("detector.tiles", written)).recognition().tiles())
        .contains(new Tiles(along));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "17", "-1", "2.5", "automatic"})
  void refusesWhatIsNoNumberOfTiles(String written) {
    assertThatThrownBy(() -> load(null, Map.of(), Map.of("detector.tiles", written)))
        .hasMessageContaining("detector.tiles")
        .hasMessageContaining("auto or a whole number from 1 to 16");
  }

  @Test
  void hasTheDefaultsOfTheContract() {
    ShelfStreamConfig config = load(null, Map.of(), Map.of());

    assertThat(config.kafka()).isEqualTo(Map.of("bootstrap.servers", "localhost:9092"));
    assertThat(config.applicationId()).isEqualTo("shelfstream");
    assertThat(config.stateDir()).isEmpty();
    assertThat(config.topics()).isEqualTo(TopicNames.DEFAULT);
    assertThat(config.schemaRegistryUrl()).isEqualTo("mock://shelfstream");
    assertThat(config.models().options())
        .isEqualTo(
            new RuntimeOptions(
                Provider.AUTO, 0, 0, Duration.ofMillis(2), RuntimeOptions.Gpu.FIRST));
    assertThat(config.recognition().profile()).isEqualTo(Profile.SHELF);
    assertThat(config.recognition().tiles()).isEmpty();
    assertThat(config.recognition().matchThreshold()).isEmpty();
    assertThat(config.recognition().matchMargin()).isEmpty();
    assertThat(config.recognition().candidates()).isEqualTo(5);
    assertThat(config.recognition().searchPhotos()).isEqualTo(50);
    assertThat(config.index().type()).isEqualTo("auto");
    assertThat(config.images().maxPixels()).isEqualTo(64_000_000);
    assertThat(config.images().fetchPolicy())
        .isEqualTo(
            new FetchPolicy(
                List.of(),
                true,
                new HttpRules(new HostRules(List.of(), false), 3, Optional.empty()),
                BucketRules.NONE,
                new FetchLimits(32 << 20, Duration.ofSeconds(2), Duration.ofSeconds(10))));
    assertThat(config.images().storeWait()).isEqualTo(Duration.ofSeconds(60));
  }

  @Test
  void refusesFiltersThatAreNoPairs() {
    for (String wrong : List.of("storeId", "storeId:", ":stores", "a:b:c", "a:b, a:c")) {
      assertThat(refused(() -> load(null, Map.of(), Map.of("recognition.filters", wrong))))
          .hasMessageContainingAll("recognition.filters", "storeId:stores");
    }
  }

  @Test
  void readsEveryKeyOfAFile() {
    Path file =
        file(
            """
            kafka.bootstrap.servers = broker-1:9092,broker-2:9092
            kafka.num.stream.threads = 3
            application.id = shelf-eu
            state.dir = /var/lib/shelfstream
            topics.frames = a
            topics.recognitions = b
            topics.gallery.updates = c
            topics.gallery.vectors = d
            topics.gallery.status = e
            topics.dead.letters = f
            schema.registry.url = mock://test
            models.dir = /models/retail
            models.provider = CUDA
            models.threads = 4
            models.device = 1
            recognition.profile = pp-shitu
            recognition.match.threshold = 0.25
            recognition.match.margin = 0.05
            recognition.candidates = 2
            recognition.search.photos = 20
            recognition.filters = storeId:stores, country : countries
            index.type = HNSW32
            index.device = CUDA
            index.cuda.devices = 0, 2
            index.cuda.memory.limit = 8192MiB
            images.allowed.roots = /data/cameras, /data/über
            images.allowed.hosts = Images.example.com, *.cdn.example.com:8443, [::1]:80
            images.allow.private.addresses = true
            images.allowed.buckets = shelf-frames, old_Bucket
            images.s3.endpoint = http://10.0.0.5:9000
            images.s3.region = eu-central-1
            images.s3.path.style = false
            images.store.wait = 5m
            images.allow.data = false
            images.max.bytes = 512KiB
            images.max.pixels = 1000
            images.connect.timeout = 500ms
            images.read.timeout = PT1.5S
            images.max.redirects = 0
            """);

    ShelfStreamConfig config = ShelfStreamConfig.load(file, Map.of(), Map.of(), true);

    assertThat(config.kafka())
        .isEqualTo(
            Map.of("bootstrap.servers", "broker-1:9092,broker-2:9092", "num.stream.threads", "3"));
    assertThat(config.applicationId()).isEqualTo("shelf-eu");
    assertThat(config.stateDir()).contains(Path.of("/var/lib/shelfstream"));
    assertThat(config.topics()).isEqualTo(new TopicNames("a", "b", "c", "d", "e", "f"));
    assertThat(config.schemaRegistryUrl()).isEqualTo("mock://test");
    assertThat(config.models().dir()).isEqualTo(Path.of("/models/retail"));
    assertThat(config.models().options())
        .isEqualTo(
            new RuntimeOptions(
                Provider.CUDA,
                4,
                0,
                Duration.ofMillis(2),
                new RuntimeOptions.Gpu(1, 0, Optional.empty())));
    assertThat(config.index().device())
        .isEqualTo(new DeviceOptions(SearchDevice.CUDA, List.of(0, 2), 8L << 30, 256 << 20));
    assertThat(config.recognition().profile()).isEqualTo(Profile.PP_SHITU);
    assertThat(config.recognition().matchThreshold()).contains(0.25f);
    assertThat(config.recognition().matchMargin()).contains(0.05f);
    assertThat(config.recognition().candidates()).isEqualTo(2);
    assertThat(config.recognition().searchPhotos()).isEqualTo(20);
    assertThat(config.recognition().filters())
        .isEqualTo(Map.of("storeId", "stores", "country", "countries"));
    assertThat(config.index().type()).isEqualTo("HNSW32");
    assertThat(config.images().maxPixels()).isEqualTo(1000);
    assertThat(config.images().fetchPolicy())
        .isEqualTo(
            new FetchPolicy(
                List.of(Path.of("/data/cameras"), Path.of("/data/über")),
                false,
                new HttpRules(
                    new HostRules(
                        List.of("images.example.com", "*.cdn.example.com:8443", "[::1]:80"), true),
                    0,
                    Optional.empty()),
                new BucketRules(
                    List.of("shelf-frames", "old_Bucket"),
                    new S3Settings(
                        Optional.of(URI.create("http://10.0.0.5:9000")),
                        Optional.of("eu-central-1"),
                        false)),
                new FetchLimits(512 << 10, Duration.ofMillis(500), Duration.ofMillis(1500))));
    assertThat(config.images().storeWait()).isEqualTo(Duration.ofMinutes(5));
  }

  @Test
  void tellsAllProblemsAtOnce() {
    Path file =
        file(
            """
            images.max.byts = 5
            models.threads = many
            recognition.match.threshold = 1.5
            images.connect.timeout = 2 parsecs
            topics.frames = shelf frames
            """);

    ConfigException e =
        refused(
            () ->
                ShelfStreamConfig.load(
                    file,
                    Map.of("SHELFSTREAM_RECOGNITION_CANDIDATES", "0"),
                    Map.of("images.max.bytes", "2048MiB"),
                    true));

    assertThat(String.valueOf(e.getMessage()).replace(file.toString(), "FILE").lines())
        .containsExactlyInAnyOrder(
            "The configuration has 8 problems:",
            "  images.max.byts = 5 (FILE): unknown key; did you mean images.max.bytes?",
            "  models.threads = many (FILE): give a whole number from 0 to 1024",
            "  models.dir is not set: give the directory that holds model.properties, detector.onnx and"
                + " extractor.onnx",
            "  recognition.match.threshold = 1.5 (FILE): give a number from -1.0 to 1.0",
            "  recognition.candidates = 0 (environment SHELFSTREAM_RECOGNITION_CANDIDATES): give a"
                + " whole number from 1 to 100",
            "  images.connect.timeout = 2 parsecs (FILE): give a duration from 1ms to 10m, such as"
                + " 500ms, 10s or 2m",
            "  images.max.bytes = 2048MiB (command line): give a size from 1 to 1024MiB in bytes, KiB or"
                + " MiB, such as 32MiB",
            "  topics.frames = shelf frames (FILE): give 1 to 249 of the characters a-z A-Z 0-9 . _ -");
    assertThat(e.problems()).hasSize(8);
  }

  @Test
  void takesTheCommandLineBeforeTheEnvironmentBeforeTheFile() {
    Path file =
        file("index.type = A\napplication.id = a\nmodels.threads = 1\nkafka.client.id = f\n");
    Map<String, String> environment =
        Map.of(
            "SHELFSTREAM_APPLICATION_ID", "b",
            "SHELFSTREAM_MODELS_THREADS", "2",
            "SHELFSTREAM_KAFKA_CLIENT_ID", "e",
            "SHELFSTREAM_KAFKA_BOOTSTRAP_SERVERS", "env:1");
    Map<String, String> commandLine = Map.of("models.threads", "3", "kafka.client.id", "c");

    ShelfStreamConfig config = load(file, environment, commandLine);

    assertThat(config.index().type()).isEqualTo("A");
    assertThat(config.applicationId()).isEqualTo("b");
    assertThat(config.models().options().threads()).isEqualTo(3);
    assertThat(config.kafka()).isEqualTo(Map.of("client.id", "c", "bootstrap.servers", "env:1"));
  }

  @ParameterizedTest
  @CsvSource({
    "images.max.byts, images.max.bytes",
    "images.allow.roots, images.allowed.roots",
    "Models.Dir, models.dir",
    "models-dir, models.dir",
    "bootstrap.servers, kafka.bootstrap.servers",
    "threads, models.threads",
    "recognition.match.treshold, recognition.match.threshold"
  })
  void suggestsTheKeyThatWasProbablyMeant(String typed, String meant) {
    ConfigException e = refused(() -> load(null, Map.of(), Map.of(typed, "x")));

    assertThat(e.problems()).singleElement().extracting(Problem::remedy).asString().contains(meant);
  }

  @Test
  void refusesAKeyLikeNoOtherWithoutASuggestion() {
    ConfigException e = refused(() -> load(null, Map.of(), Map.of("telnet.port", "80")));

    assertThat(e).hasMessageContaining("telnet.port = 80 (command line): unknown key; remove it");
  }

  @Test
  void leavesVariablesOfLaunchersAndClustersAlone() {
    Map<String, String> environment =
        Map.of("SHELFSTREAM_HEAP", "2g", "SHELFSTREAM_PORT", "tcp://10.0.0.1:80", "PATH", "/bin");

    assertThat(load(null, environment, Map.of())).isEqualTo(load(null, Map.of(), Map.of()));
  }

  @Test
  void warnsOfAVariableThatIsNearlyAKey() {
    Logger logger = (Logger) LoggerFactory.getLogger(Settings.class);
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    log.start();
    logger.addAppender(log);

    load(null, Map.of("SHELFSTREAM_IMAGES_MAX_BYTS", "5", "SHELFSTREAM_HEAP", "2g"), Map.of());

    logger.detachAppender(log);
    assertThat(log.list)
        .singleElement()
        .extracting(event -> event.getKeyValuePairs().toString())
        .asString()
        .contains("SHELFSTREAM_IMAGES_MAX_BYTS", "images.max.bytes");
  }

  @Test
  void passesKafkaSettingsThroughUntouched() {
    Path file = file("kafka.sasl.jaas.config = module required password=\"${a}#b=c\" ;  \n");

    assertThat(load(file, Map.of(), Map.of()).kafka())
        .containsEntry("sasl.jaas.config", "module required password=\"${a}#b=c\" ;  ");
  }

  @Test
  void showsNoPasswordInMessagesNorInTheLog() {
    Map<String, String> typo = Map.of("kafak.ssl.key.password", "hunter2", "models.threads", "-1");
    Map<String, String> right = Map.of("kafka.ssl.key.password", "hunter2");

    assertThat(refused(() -> load(null, Map.of(), typo)))
        .hasMessageContaining("kafak.ssl.key.password = ****")
        .hasMessageNotContaining("hunter2");
    assertThat(load(null, Map.of(), right).toString())
        .contains("ssl.key.password=****")
        .doesNotContain("hunter2");
  }

  @ParameterizedTest
  @ValueSource(strings = {"application.id", "state.dir"})
  void refusesKafkaSettingsThatHaveAKeyOfTheirOwn(String key) {
    ConfigException e = refused(() -> load(null, Map.of(), Map.of("kafka." + key, "x")));

    assertThat(e).hasMessageContaining("kafka." + key + " = x: set " + key + " instead");
  }

  @ParameterizedTest
  @CsvSource({
    "processing.exception.handler, org.apache.kafka.streams.errors.LogAndContinueProcessingExceptionHandler",
    "deserialization.exception.handler, org.apache.kafka.streams.errors.LogAndContinueExceptionHandler",
    "default.deserialization.exception.handler, org.apache.kafka.streams.errors.LogAndContinueExceptionHandler",
    "production.exception.handler, com.example.Own",
    "default.production.exception.handler, com.example.Own"
  })
  void refusesHandlersThatWouldLoseARecord(String key, String handler) {
    ConfigException e = refused(() -> load(null, Map.of(), Map.of("kafka." + key, handler)));

    assertThat(e.getMessage())
        .contains("kafka." + key + " = " + handler, "remove it", "topics.dead.letters");
  }

  @Test
  void letsThroughTheHandlersThatFail() {
    Map<String, String> failing =
        Map.of(
            "kafka.processing.exception.handler",
            "org.apache.kafka.streams.errors.LogAndFailProcessingExceptionHandler",
            "kafka.deserialization.exception.handler",
            "org.apache.kafka.streams.errors.LogAndFailExceptionHandler",
            "kafka.production.exception.handler",
            "org.apache.kafka.streams.errors.DefaultProductionExceptionHandler");

    assertThat(load(null, Map.of(), failing).kafka())
        .containsKeys(
            "processing.exception.handler",
            "deserialization.exception.handler",
            "production.exception.handler");
  }

  @Test
  void refusesTwoRolesOnOneTopic() {
    ConfigException e =
        refused(() -> load(null, Map.of(), Map.of("topics.frames", "shelf.gallery.status")));

    assertThat(e.problems())
        .extracting(Problem::key)
        .containsExactly("topics.frames", "topics.gallery.status");
  }

  @Test
  void refusesMoreCandidatesThanPhotos() {
    ConfigException e =
        refused(
            () ->
                load(
                    null,
                    Map.of(),
                    Map.of("recognition.candidates", "9", "recognition.search.photos", "8")));

    assertThat(e).hasMessageContaining("recognition.candidates = 9").hasMessageContaining("is 8");
  }

  @Test
  void refusesAKeyGivenTwice() {
    Path file = file("models.threads = 1\nindex.type = Flat\nmodels.threads = 2\n");

    assertThat(refused(() -> load(file, Map.of(), Map.of())))
        .hasMessageContaining("models.threads = 2 (second time): set it only once");
  }

  @Test
  void tellsOfAFileThatCannotBeReadTogetherWithTheRest() throws IOException {
    Path notUtf8 = dir.resolve("latin1.properties");
    Files.write(notUtf8, "models.dir = /grün\n".getBytes(StandardCharsets.ISO_8859_1));
    Path absent = dir.resolve("absent.properties");

    for (Path file : List.of(notUtf8, absent, dir)) {
      ConfigException e = refused(() -> load(file, Map.of(), Map.of("models.threads", "x")));

      assertThat(e.problems()).hasSize(2);
      assertThat(e).hasMessageContaining(file.toString()).hasMessageContaining("in UTF-8");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "images.allowed.hosts | https://example.com",
        "images.allowed.hosts | *",
        "images.allowed.hosts | a.example.com:99999",
        "images.allowed.hosts | example.com/path",
        "images.allowed.hosts | *.*.example.com",
        "images.max.bytes | 0",
        "images.max.bytes | 32MB",
        "images.max.bytes | 999999999999MiB",
        "images.max.pixels | 715827883",
        "images.read.timeout | 0s",
        "images.read.timeout | 11m",
        "images.read.timeout | -PT5S",
        "images.read.timeout | 10",
        "images.allow.data | yes",
        "models.provider | tpu",
        "models.threads | ''",
        "recognition.match.threshold | NaN",
        "recognition.match.margin | -0.1",
        "recognition.profile | fast",
        "schema.registry.url | localhost:8081",
        "max.retries | -1",
        "value.subject.name.strategy | MyStrategy",
        "topics.frames | ..",
        "index.type | ''",
        "index.device | gpu",
        "index.cuda.devices | ''",
        "index.cuda.devices | 0, 0",
        "index.cuda.devices | -1",
        "index.cuda.memory.temporary | 2000MiB"
      })
  void refusesAValueOutsideItsFormat(String key, String value) {
    ConfigException e = refused(() -> load(null, Map.of(), Map.of(key, value)));

    assertThat(e.problems())
        .singleElement()
        .satisfies(problem -> assertThat(problem.key()).isEqualTo(key))
        .satisfies(problem -> assertThat(problem.value()).isEqualTo(value))
        .satisfies(problem -> assertThat(problem.remedy()).startsWith("give "));
  }

  @Test
  void asksForModelsOnlyWhereTheyAreNeeded() {
    ShelfStreamConfig without = load(null, Map.of(), Map.of());

    assertThatThrownBy(() -> without.models().dir())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("models.dir");
    assertThat(
            refused(() -> ShelfStreamConfig.load(null, Map.of(), Map.of("models.dir", " "), true)))
        .hasMessageContaining("models.dir =   (command line): give the directory");
  }

  private static ConfigException refused(ThrowingCallable load) {
    ConfigException e = catchThrowableOfType(ConfigException.class, load);
    assertThat(e).as("refusal").isNotNull();
    return e;
  }

  private static ShelfStreamConfig load(
      @Nullable Path file, Map<String, String> environment, Map<String, String> commandLine) {
    return ShelfStreamConfig.load(file, environment, commandLine, false);
  }

  private Path file(String text) {
    try {
      return Files.writeString(dir.resolve("shelf.properties"), text);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
