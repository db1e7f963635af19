package io.shelfstream.http;

import static io.shelfstream.streams.Lifecycle.State.DRAINING;
import static io.shelfstream.streams.Lifecycle.State.FAILED;
import static io.shelfstream.streams.Lifecycle.State.READY;
import static io.shelfstream.streams.Lifecycle.State.REBUILDING;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.shelfstream.config.HttpSettings;
import io.shelfstream.events.EventKind;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognitionStatus;
import io.shelfstream.events.Timings;
import io.shelfstream.events.Versions;
import io.shelfstream.fetch.BucketRules;
import io.shelfstream.fetch.FetchLimits;
import io.shelfstream.fetch.FetchPolicy;
import io.shelfstream.fetch.HttpRules;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.image.ImageLimits;
import io.shelfstream.metrics.ServiceMetrics;
import io.shelfstream.recognition.Pictures;
import io.shelfstream.streams.Lifecycle;
import io.swagger.v3.parser.OpenAPIV3Parser;
import io.swagger.v3.parser.core.models.ParseOptions;
import io.swagger.v3.parser.core.models.SwaggerParseResult;
import java.io.ByteArrayInputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The port over a service whose state and answers the test decides. */
class HttpPortTest {
  private static final int MOST = 2;

  private final Lifecycle lifecycle = new Lifecycle("The service");
  private final Lifecycle gallery = new Lifecycle("The gallery");
  private final List<ServiceStatus.Reading> readings = new ArrayList<>();
  private final BlockingQueue<CompletableFuture<RecognitionEvent>> begun =
      new LinkedBlockingQueue<>();
  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final ObjectMapper json = new ObjectMapper();
  private final EventFeed feed = new EventFeed(events -> () -> {});
  private final ImageFetcher fetcher =
      new ImageFetcher(
          new FetchPolicy(
              List.of(Path.of("/").toAbsolutePath()),
              false,
              HttpRules.NONE,
              BucketRules.NONE,
              new FetchLimits(1_000_000, Duration.ofSeconds(1), Duration.ofSeconds(1))));
  private final CamerasService cameras = new CamerasService(feed, fetcher, ImageLimits.DEFAULT);
  private final HttpPort port = open();

  private HttpPort open() {
    ImageRequests requests =
        new ImageRequests(this::begin, status(), new ServiceMetrics(registry), MOST);
    return HttpPort.open(
        new HttpSettings(Optional.of(0), "127.0.0.1", Optional.empty(), 0.5),
        1000,
        List.of(
            new HealthService(status()),
            new ProcessRoutes(registry, "1.2.3", "as it is"),
            new DocsRoutes("1.2.3", false),
            new GalleryService(
                () -> {
                  throw RefusedException.notReady("no gallery");
                },
                ImageLimits.DEFAULT,
                new Receiving(1_000_000)),
            new EventsService(feed),
            cameras,
            new DeadLettersService(new SomeDeadLetters()),
            new PageRoutes(),
            new RecognizeService(requests, ImageLimits.DEFAULT, new Receiving(1_000_000))));
  }

  private ServiceStatus status() {
    return new ServiceStatus() {
      @Override
      public Lifecycle lifecycle() {
        return lifecycle;
      }

      @Override
      public List<Lifecycle> parts() {
        return List.of(gallery);
      }

      @Override
      public boolean isReady() {
        return lifecycle.is(READY);
      }

      @Override
      public List<Reading> readings() {
        return readings;
      }
    };
  }

  private CompletableFuture<RecognitionEvent> begin(String camera, String frame, byte[] encoded) {
    CompletableFuture<RecognitionEvent> answer = new CompletableFuture<>();
    begun.add(answer);
    return answer;
  }

  @AfterEach
  void close() {
    begun.forEach(answer -> answer.cancel(true));
    port.close();
    cameras.close();
    fetcher.close();
  }

  private HttpRequest.Builder at(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:%d%s".formatted(port.port(), path)));
  }

  private HttpResponse<String> get(String path) throws Exception {
    return client.send(at(path).build(), BodyHandlers.ofString());
  }

  private CompletableFuture<HttpResponse<String>> recognize() {
    return client.sendAsync(
        at("/api/recognize").POST(BodyPublishers.ofByteArray(new byte[] {1})).build(),
        BodyHandlers.ofString());
  }

  private void assertHealth(int live, int ready, int startup) throws Exception {
    assertThat(get("/health/live").statusCode()).as("live").isEqualTo(live);
    assertThat(get("/health/ready").statusCode()).as("ready").isEqualTo(ready);
    assertThat(get("/health/startup").statusCode()).as("startup").isEqualTo(startup);
  }

  @Test
  void healthFollowsTheStateOfTheService() throws Exception {
    assertHealth(200, 503, 503);
    lifecycle.to(READY, "all is there");
    assertHealth(200, 200, 200);
    lifecycle.to(REBUILDING, "a part fell over");
    assertHealth(200, 503, 200);
    JsonNode body = json.readTree(get("/health/ready").body());
    assertThat(body.get("status").asText()).isEqualTo("down");
    assertThat(body.get("state").asText()).isEqualTo("REBUILDING");
    assertThat(body.get("reason").asText()).isEqualTo("a part fell over");
    lifecycle.to(READY, "");
    lifecycle.to(DRAINING, "told to stop");
    assertHealth(200, 503, 200);
  }

  @Test
  void aServiceThatHasFailedIsNotAlive() throws Exception {
    lifecycle.to(FAILED, "no way back");
    assertHealth(503, 503, 200);
  }

  @Test
  void tellsHowFarTheGalleryIsRead() throws Exception {
    readings.add(new ServiceStatus.Reading("vectors", 250, 1000, 99.7));
    JsonNode body = json.readTree(get("/health/startup").body());
    JsonNode reading = body.get("readings").get(0);
    assertThat(reading.get("percent").asInt()).isEqualTo(25);
    assertThat(reading.get("perSecond").asInt()).isEqualTo(100);
    assertThat(body.get("parts").get(0).get("state").asText()).isEqualTo("STARTING");
  }

  @Test
  void asksCallersToComeAgainWhenItIsFullOrNotReady() throws Exception {
    HttpResponse<String> early = recognize().get(1, TimeUnit.MINUTES);
    assertThat(early.statusCode()).isEqualTo(503);
    assertThat(early.headers().firstValue("Retry-After")).isPresent();

    lifecycle.to(READY, "");
    List<CompletableFuture<HttpResponse<String>>> taken = new ArrayList<>();
    for (int i = 0; i < MOST; i++) {
      taken.add(recognize());
    }
    CompletableFuture<RecognitionEvent> first = begun.poll(1, TimeUnit.MINUTES);
    CompletableFuture<RecognitionEvent> second = begun.poll(1, TimeUnit.MINUTES);

    HttpResponse<String> refused = recognize().get(1, TimeUnit.MINUTES);
    assertThat(refused.statusCode()).isEqualTo(429);
    assertThat(refused.headers().firstValue("Retry-After")).isPresent();
    assertThat(json.readTree(refused.body()).get("reason").asText()).isEqualTo("TOO_MANY_REQUESTS");

    // A place is free again however the image before ended.
    first.cancel(true);
    second.completeExceptionally(new IllegalStateException("nobody foresaw this"));
    assertThat(taken.stream().map(CompletableFuture::join).map(HttpResponse::statusCode))
        .containsExactlyInAnyOrder(503, 500);
    CompletableFuture<HttpResponse<String>> next = recognize();
    assertThat(begun.poll(1, TimeUnit.MINUTES)).isNotNull();
    assertThat(next).isNotDone();
  }

  /** As browsers do that open the page together, just after a start. */
  @Test
  void filesOfThePageAreWholeForManyWhoAskAtOnce() throws Exception {
    List<String> files =
        List.of("main.js", "style.css", "dom.js", "api.js", "frame.js", "cameras.js", "icon.svg");
    for (String file : files) {
      List<CompletableFuture<HttpResponse<byte[]>>> answers = new ArrayList<>();
      HttpRequest request = at("/page/" + file).build();
      for (int i = 0; i < 40; i++) {
        answers.add(client.sendAsync(request, BodyHandlers.ofByteArray()));
      }
      byte[] whole;
      try (var stored = getClass().getResourceAsStream("/io/shelfstream/page/" + file)) {
        whole = Objects.requireNonNull(stored).readAllBytes();
      }
      for (CompletableFuture<HttpResponse<byte[]>> answer : answers) {
        HttpResponse<byte[]> got = answer.get(1, TimeUnit.MINUTES);
        assertThat(got.statusCode()).as(file).isEqualTo(200);
        assertThat(got.body()).as(file).isEqualTo(whole);
      }
    }
  }

  @Test
  void anOfferOfHttp2IsAnsweredInHttp1() throws Exception {
    for (int i = 0; i < 20; i++) {
      // Java's client offers it on every new connection.
      HttpResponse<String> answer =
          HttpClient.newHttpClient()
              .send(
                  HttpRequest.newBuilder(
                          URI.create("http://127.0.0.1:" + port.port() + "/health/live"))
                      .build(),
                  BodyHandlers.ofString());
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_1_1);
    }
    String offer =
        """
        GET /health/live HTTP/1.1
        Host: 127.0.0.1
        Connection: Upgrade, HTTP2-Settings, close
        Upgrade: h2c
        HTTP2-Settings: AAMAAABkAAQBAAAAAAIAAAAA

        """
            .replace("\n", "\r\n");
    for (int first : new int[] {1, 3, 4, 5, offer.length()}) {
      try (Socket caller = new Socket("127.0.0.1", port.port())) {
        caller.setTcpNoDelay(true);
        caller.getOutputStream().write(offer.substring(0, first).getBytes(US_ASCII));
        caller.getOutputStream().flush();
        Thread.sleep(20);
        caller.getOutputStream().write(offer.substring(first).getBytes(US_ASCII));
        assertThat(new String(caller.getInputStream().readAllBytes(), US_ASCII))
            .as("the first %d bytes alone", first)
            .startsWith("HTTP/1.1 200");
      }
    }
  }

  @Test
  void aCallerThatGoesAwayGivesItsPlaceBack() throws Exception {
    lifecycle.to(READY, "");
    CompletableFuture<RecognitionEvent> answer;
    try (Socket caller = new Socket("127.0.0.1", port.port())) {
      caller
          .getOutputStream()
          .write(
              "POST /api/recognize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx"
                  .getBytes(UTF_8));
      answer = begun.poll(1, TimeUnit.MINUTES);
      assertThat(answer).isNotNull();
    }
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30); // before the request times out
    while (!answer.isCancelled() && System.nanoTime() < end) {
      TimeUnit.MILLISECONDS.sleep(5);
    }
    assertThat(answer).isCancelled();
  }

  @Test
  void theDescriptionIsValidAndNamesEveryPath() throws Exception {
    String description = get("/openapi.json").body();
    ParseOptions strict = new ParseOptions();
    strict.setResolve(true);
    SwaggerParseResult read = new OpenAPIV3Parser().readContents(description, List.of(), strict);
    assertThat(read.getMessages()).isEmpty();
    Set<String> described = new TreeSet<>();
    json.readTree(description)
        .get("paths")
        .properties()
        .forEach(
            path ->
                path.getValue()
                    .fieldNames()
                    .forEachRemaining(
                        method ->
                            described.add(method.toUpperCase(Locale.ROOT) + " " + path.getKey())));
    Set<String> answered = new TreeSet<>(port.operations());
    answered.removeIf(
        operation ->
            operation.contains("/docs")
                || operation.contains("/openapi")
                || operation.contains("/page")
                || operation.endsWith(" /"));
    assertThat(described).isEqualTo(answered);
  }

  private HttpResponse<String> redrive(String... headers) throws Exception {
    HttpRequest.Builder request =
        at("/api/dead-letters/redrive").POST(BodyPublishers.ofString("{\"reason\": \"TIMEOUT\"}"));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(request.build(), BodyHandlers.ofString());
  }

  @Test
  void pagesOfOtherSitesMayChangeNothing() throws Exception {
    String own = "http://127.0.0.1:" + port.port();
    assertThat(redrive().statusCode()).as("a program").isEqualTo(200);
    assertThat(redrive("Origin", own, "Sec-Fetch-Site", "same-origin").statusCode()).isEqualTo(200);
    for (String[] other :
        new String[][] {
          {"Origin", "https://example.com"},
          {"Origin", "null"},
          {"Origin", "http://127.0.0.1:1"},
          {"Sec-Fetch-Site", "cross-site"},
          {"Sec-Fetch-Site", "same-site"}
        }) {
      HttpResponse<String> refused = redrive(other);
      assertThat(refused.statusCode()).as(List.of(other).toString()).isEqualTo(403);
      assertThat(json.readTree(refused.body()).get("reason").asText()).isEqualTo("FORBIDDEN");
    }
    // Reading is kept from their scripts by browsers, as no answer allows it.
    HttpResponse<String> read =
        client.send(
            at("/version").header("Origin", "https://example.com").build(),
            BodyHandlers.ofString());
    assertThat(read.statusCode()).isEqualTo(200);
    assertThat(read.headers().firstValue("Access-Control-Allow-Origin")).isEmpty();
  }

  @Test
  void aNameThatWasMadeToPointHereIsNotAnswered() throws Exception {
    for (String host :
        List.of("127.0.0.1", "localhost", "LOCALHOST:8080", "[::1]:80", "a.localhost")) {
      assertThat(statusFor(host)).as(host).isEqualTo("200");
    }
    for (String host :
        List.of("example.com", "127.0.0.1.example.com", "localhost.example.com:80", "10.0.0.1")) {
      assertThat(statusFor(host)).as(host).isEqualTo("403");
    }
  }

  private String statusFor(String host) throws Exception {
    try (Socket caller = new Socket("127.0.0.1", port.port())) {
      caller
          .getOutputStream()
          .write(
              "GET /version HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"
                  .formatted(host)
                  .getBytes(UTF_8));
      return new String(caller.getInputStream().readNBytes("HTTP/1.1 200".length()), UTF_8)
          .split(" ", 2)[1];
    }
  }

  @Test
  void onlyFramesOfEventsThatPassedAreShownAndTheReasonWhereTheyCannotBe(@TempDir Path folder)
      throws Exception {
    assertThat(json.readTree(get("/api/cameras").body()).get("cameras")).isEmpty();
    Path frame = Files.write(folder.resolve("frame.png"), Pictures.noise(200, 100));
    feed.publish(event("here", frame.toUri().toString()));
    feed.publish(event("gone", folder.resolve("gone.png").toUri().toString()));
    feed.publish(event("sent", "urn:frame:1"));
    JsonNode seen = json.readTree(get("/api/cameras").body());
    assertThat(seen.get("cameras")).hasSize(3);

    HttpResponse<byte[]> picture =
        client.send(
            at("/api/cameras/picture?event=here&width=50").build(), BodyHandlers.ofByteArray());
    assertThat(picture.statusCode()).isEqualTo(200);
    var pixels = ImageIO.read(new ByteArrayInputStream(picture.body()));
    assertThat(pixels.getWidth()).isEqualTo(50);
    assertThat(pixels.getHeight()).isEqualTo(25);
    HttpResponse<byte[]> part =
        client.send(
            at("/api/cameras/picture?event=here&crop=10,20,50,90").build(),
            BodyHandlers.ofByteArray());
    assertThat(ImageIO.read(new ByteArrayInputStream(part.body())).getWidth()).isEqualTo(40);

    assertRefused("event=gone", 404, "NO_PICTURE", "gone.png");
    assertRefused("event=sent", 404, "NO_PICTURE", "not kept");
    assertRefused("event=another", 404, "NOT_FOUND", "another");
    assertRefused("event=" + frame.toUri(), 404, "NOT_FOUND", "frame.png");
    assertRefused("event=here&crop=300,0,400,50", 400, "BAD_REQUEST", "200 x 100");
    assertRefused("event=here&crop=1,2,3", 400, "BAD_REQUEST", "X1,Y1,X2,Y2");
    assertRefused("event=here&width=5000", 400, "BAD_REQUEST", "5000");
  }

  private void assertRefused(String query, int status, String reason, String told)
      throws Exception {
    HttpResponse<String> refused = get("/api/cameras/picture?" + query);
    assertThat(refused.statusCode()).as(refused.body()).isEqualTo(status);
    JsonNode body = json.readTree(refused.body());
    assertThat(body.get("reason").asText()).isEqualTo(reason);
    assertThat(body.get("message").asText()).contains(told);
  }

  private static RecognitionEvent event(String id, String uri) {
    Instant now = Instant.now();
    return RecognitionEvent.newBuilder()
        .setEventId(id)
        .setKind(EventKind.LIVE)
        .setStatus(RecognitionStatus.OK)
        .setCameraId("camera-" + id)
        .setFrameId("1")
        .setUri(uri)
        .setImageWidth(200)
        .setImageHeight(100)
        .setCapturedAt(now)
        .setProcessedAt(now)
        .setObjects(List.of())
        .setVersions(
            Versions.newBuilder()
                .setDetector("d")
                .setExtractor("e")
                .setGalleryVersion(1)
                .setGallerySize(1)
                .setIndexType("Flat")
                .setProvider("cpu")
                .setGalleryVersions(Map.of())
                .setProfile("shelf")
                .build())
        .setTimings(new Timings(0f, 0f, 0f, 0f, 0f, 0f, 1f))
        .build();
  }

  /** Redrives whatever it is told to. */
  private static final class SomeDeadLetters implements DeadLetterAccess {
    @Override
    public Letters letters() {
      return new Letters(Instant.EPOCH, false, Map.of(), List.of());
    }

    @Override
    public Redriven redrive(Optional<String> reason, Optional<String> place) {
      return new Redriven(Map.of(reason.orElse(""), 1), Map.of());
    }
  }

  @Test
  void refusesWhatIsNotDescribedInTheSameForm() throws Exception {
    HttpResponse<String> method =
        client.send(at("/version").DELETE().build(), BodyHandlers.ofString());
    assertThat(method.statusCode()).isEqualTo(405);
    assertThat(method.headers().firstValue("Allow")).contains("GET");
    for (HttpResponse<String> refused : List.of(method, get("/nothing"), get("/api/gallery"))) {
      assertThat(json.readTree(refused.body()).fieldNames())
          .toIterable()
          .containsExactly("reason", "message");
    }
    lifecycle.to(READY, "");
    for (String path : List.of("/api/recognize", "/api/gallery/photos")) {
      assertThat(
              client
                  .send(
                      at(path)
                          .header("Content-Type", "multipart/form-data; boundary=b")
                          .POST(BodyPublishers.ofString("--b\r\nno form\r\n"))
                          .build(),
                      BodyHandlers.ofString())
                  .statusCode())
          .as(path)
          .isEqualTo(400);
    }
    assertThat(get("/docs").headers().firstValue("Content-Security-Policy")).isPresent();
    assertThat(get("/docs/ui/swagger-ui.css").statusCode()).isEqualTo(200);
  }
}
