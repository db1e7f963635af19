package io.shelfstream.topology;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.metrics.Metric;
import io.shelfstream.recognition.Pictures;
import java.awt.Color;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The HTTP port of a service on a real broker. */
@ExtendWith(SharedBroker.class)
class HttpPortIT {
  private static final String TOKEN = "a-secret-of-some-length";

  @TempDir Path folder;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final ObjectMapper json = new ObjectMapper();
  private TestTopics topics;

  @BeforeEach
  void configure(EmbeddedBroker broker, TestInfo test) {
    topics = new TestTopics(broker.bootstrapServers(), folder, test);
  }

  private RecognitionService start(Map<String, String> more) {
    return RecognitionService.start(topics.config(more));
  }

  private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), BodyHandlers.ofString());
  }

  private static HttpRequest.Builder at(RecognitionService service, String path) {
    return HttpRequest.newBuilder(
        URI.create("http://127.0.0.1:%d%s".formatted(service.httpPort().orElseThrow(), path)));
  }

  private HttpResponse<String> post(RecognitionService service, String type, byte[] body)
      throws Exception {
    return send(
        at(service, "/api/recognize?camera=door&frame=1")
            .header("Content-Type", type)
            .POST(BodyPublishers.ofByteArray(body)));
  }

  @Test
  void recognizesImagesInEachForm() throws Exception {
    try (RecognitionService service = start(Map.of("http.port", "0", "images.max.bytes", "1MiB"))) {
      topics.update(Map.of("red", Color.RED));
      TestTopics.awaitSize(service, 1);
      byte[] red = Pictures.plain(Color.RED);

      HttpResponse<String> plain = post(service, "image/png", red);
      assertThat(plain.statusCode()).isEqualTo(200);
      JsonNode event = json.readTree(plain.body());
      assertThat(event.get("cameraId").asText()).isEqualTo("door");
      assertThat(event.get("frameId").asText()).isEqualTo("1");
      assertThat(event.get("objects").get(0).toString()).contains("ff0000", "MATCH");

      String base64 = Base64.getEncoder().encodeToString(red);
      HttpResponse<String> serving =
          post(
              service,
              "application/json",
              "{\"key\": [\"image\"], \"value\": [\"%s\"]}".formatted(base64).getBytes(UTF_8));
      assertThat(serving.statusCode()).isEqualTo(200);
      JsonNode answer = json.readTree(serving.body());
      assertThat(answer.get("err_no").asInt()).isZero();
      JsonNode result = json.readTree(answer.get("value").get(0).asText()).get(0);
      assertThat(result.get("rec_docs").asText()).isEqualTo("ff0000");
      assertThat(result.get("rec_scores").asDouble()).isGreaterThan(0.99);
      assertThat(result.get("bbox")).hasSize(4);

      byte[] asked =
          "{\"key\": [\"image\"], \"value\": [\"%s\"]}".formatted(base64).getBytes(UTF_8);
      HttpResponse<String> stock = // names no type, under PaddleClas's path
          send(
              at(service, "/recognition/prediction")
                  .POST(HttpRequest.BodyPublishers.ofByteArray(asked)));
      assertThat(stock.statusCode()).isEqualTo(200);
      assertThat(json.readTree(stock.body())).isEqualTo(answer);

      HttpResponse<String> form = post(service, "multipart/form-data; boundary=xyz", form(red));
      assertThat(form.statusCode()).isEqualTo(200);
      assertThat(form.body()).contains("ff0000");
    }
  }

  private static byte[] form(byte[] image) throws Exception {
    var body = new java.io.ByteArrayOutputStream();
    body.write(
        "--xyz\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n"
            .getBytes(UTF_8));
    body.write(image);
    body.write("\r\n--xyz--\r\n".getBytes(UTF_8));
    return body.toByteArray();
  }

  @Test
  void refusesWhatIsNoImageWithTheReason() throws Exception {
    try (RecognitionService service = start(Map.of("http.port", "0", "images.max.bytes", "1MiB"))) {
      assertRefused(post(service, "image/png", "no image".getBytes(UTF_8)), 422, "UNSUPPORTED");
      byte[] half = Pictures.plain(Color.RED);
      assertRefused(
          post(service, "image/png", java.util.Arrays.copyOf(half, half.length / 2)), 422, "");
      assertRefused(post(service, "image/png", new byte[0]), 400, "BAD_REQUEST");
      assertRefused(post(service, "application/json", "{".getBytes(UTF_8)), 400, "BAD_REQUEST");
      assertRefused(post(service, "application/json", "[]".getBytes(UTF_8)), 400, "BAD_REQUEST");
      assertRefused(
          post(
              service,
              "application/json",
              "{\"key\":[\"image\"],\"value\":[\"Zg==\"]}".getBytes(UTF_8)),
          422,
          "");
      assertThat(post(service, "multipart/form-data; boundary=xyz", new byte[3]).statusCode())
          .isEqualTo(400);
      HttpClient plain = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
      HttpRequest large =
          at(service, "/api/recognize").POST(BodyPublishers.ofByteArray(new byte[2 << 20])).build();
      assertThat(plain.send(large, BodyHandlers.ofString()).statusCode()).isEqualTo(413);
      assertThat(send(at(service, "/api/recognize").GET()).statusCode()).isEqualTo(405);
      assertThat(send(at(service, "/nothing").GET()).statusCode()).isEqualTo(404);
      // It answers the next one as before.
      assertThat(post(service, "image/png", half).statusCode()).isEqualTo(200);
    }
  }

  private void assertRefused(HttpResponse<String> response, int status, String reason)
      throws Exception {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    JsonNode body = json.readTree(response.body());
    assertThat(body.get("reason").asText()).contains(reason).isNotBlank();
    assertThat(body.get("message").asText()).isNotBlank();
  }

  @Test
  void metricsAddUpAndAreAllThere() throws Exception {
    try (RecognitionService service =
        start(Map.of("http.port", "0", "index.snapshot.dir", folder.resolve("s").toString()))) {
      topics.update(Map.of("red", Color.RED));
      TestTopics.awaitSize(service, 1);
      for (int i = 0; i < 5; i++) {
        topics.recognize(i % 2 == 0 ? Color.RED : Color.BLUE);
      }
      try (KafkaProducer<String, byte[]> producer = topics.producer(null)) {
        for (int i = 0; i < 3; i++) {
          producer.send(new ProducerRecord<>(topics.names().frames(), "c", new byte[] {1})).get();
        }
      }
      post(service, "image/png", Pictures.plain(Color.RED));
      TestTopics.until(() -> sum(scrape(service), Metric.FRAMES_DEAD_LETTERED) == 3);
      TestTopics.until(() -> scrape(service).contains(Metric.LAG.prometheusName() + "{"));

      String metrics = scrape(service);
      assertThat(sum(metrics, Metric.FRAMES_TAKEN)).isEqualTo(8);
      assertThat(sum(metrics, Metric.FRAMES_RECOGNIZED)).isEqualTo(5);
      assertThat(metrics)
          .contains("shelfstream_frames_dead_lettered_total{reason=\"UNDECODABLE_RECORD\"} 3.0");
      assertThat(sum(metrics, Metric.FRAMES_IN_HAND)).isZero();
      assertThat(metrics).contains("shelfstream_gallery_photos{topic=");
      assertThat(metrics).contains("jvm_memory_used_bytes");
      assertThat(Metric.values())
          .allSatisfy(
              metric -> assertThat(metrics).contains("# HELP " + metric.prometheusName() + " "));
    }
  }

  private String scrape(RecognitionService service) {
    try {
      return send(at(service, "/metrics").GET()).body();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static double sum(String metrics, Metric metric) {
    Matcher line =
        Pattern.compile("^" + metric.prometheusName() + "(?:\\{.*?})? (\\S+)$", Pattern.MULTILINE)
            .matcher(metrics);
    double sum = 0;
    while (line.find()) {
      sum += Double.parseDouble(line.group(1));
    }
    return sum;
  }

  @Test
  void tellsItsHealthItsVersionAndItsConfigurationWithoutSecrets() throws Exception {
    RecognitionService service = start(Map.of("http.port", "0", "http.token", TOKEN));
    int port;
    try (service) {
      port = service.httpPort().orElseThrow();
      for (String path : new String[] {"live", "ready", "startup"}) {
        HttpResponse<String> health = send(at(service, "/health/" + path).GET());
        assertThat(health.statusCode()).as(path).isEqualTo(200);
        JsonNode body = json.readTree(health.body());
        assertThat(body.get("state").asText()).isEqualTo("READY");
        assertThat(body.get("parts")).hasSizeGreaterThanOrEqualTo(3);
      }
      for (String path : new String[] {"/docs", "/docs/ui/swagger-ui-bundle.js", "/openapi.json"}) {
        assertThat(send(at(service, path).GET()).statusCode()).as(path).isEqualTo(200);
      }
      for (String path :
          new String[] {
            "/version", "/config", "/metrics", "/api/gallery", "/docs2", "/api/events"
          }) {
        assertThat(send(at(service, path).GET()).statusCode()).as(path).isEqualTo(401);
      }
      for (String path : new String[] {"/version", "/config", "/metrics"}) {
        assertThat(send(at(service, path).GET()).statusCode()).as(path).isEqualTo(401);
        HttpResponse<String> answer =
            send(at(service, path).header("Authorization", "Bearer " + TOKEN).GET());
        assertThat(answer.statusCode()).as(path).isEqualTo(200);
        assertThat(answer.body()).isNotBlank().doesNotContain(TOKEN);
      }
      assertThat(post(service, "image/png", Pictures.plain(Color.RED)).statusCode()).isEqualTo(401);
    }
    assertThatThrownBy(() -> new Socket("127.0.0.1", port)).isInstanceOf(java.io.IOException.class);
  }

  @Test
  void namesThePortThatIsTaken() throws Exception {
    try (RecognitionService service = start(Map.of("http.port", "0"))) {
      ShelfStreamConfig same =
          topics.config(Map.of("http.port", Integer.toString(service.httpPort().orElseThrow())));
      assertThatThrownBy(() -> RecognitionService.start(same))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("http.port = " + service.httpPort().orElseThrow())
          .hasMessageContaining("another process has it");
    }
  }

  @Test
  void aCallerThatSendsNothingHoldsUpNobody() throws Exception {
    try (RecognitionService service = start(Map.of("http.port", "0"));
        Socket slow = new Socket("127.0.0.1", service.httpPort().orElseThrow())) {
      OutputStream out = slow.getOutputStream();
      out.write(
          "POST /api/recognize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000\r\n\r\n"
              .getBytes(UTF_8));
      out.flush();
      assertThat(post(service, "image/png", Pictures.plain(Color.RED)).statusCode()).isEqualTo(200);
    }
  }
}
