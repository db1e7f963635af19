package io.shelfstream.topology;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.recognition.Pictures;
import java.awt.Color;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The gallery and the events of a service on a real broker, as callers of its port use them. */
@ExtendWith(SharedBroker.class)
class GalleryApiIT {

  @TempDir Path folder;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final ObjectMapper json = new ObjectMapper();
  private TestTopics topics;

  @BeforeEach
  void configure(EmbeddedBroker broker, TestInfo test) {
    topics = new TestTopics(broker.bootstrapServers(), folder, test);
  }

  private RecognitionService start() {
    return RecognitionService.start(topics.config(Map.of("http.port", "0")));
  }

  private static HttpRequest.Builder at(RecognitionService service, String path) {
    return HttpRequest.newBuilder(
        URI.create("http://127.0.0.1:%d%s".formatted(service.httpPort().orElseThrow(), path)));
  }

  private JsonNode send(int status, HttpRequest.Builder request) throws Exception {
    HttpResponse<String> answer = client.send(request.build(), BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    return json.readTree(answer.body());
  }

  private JsonNode get(RecognitionService service, String path) throws Exception {
    return send(200, at(service, path).GET());
  }

  private JsonNode add(int status, RecognitionService service, String query, byte[] photo)
      throws Exception {
    return send(
        status,
        at(service, "/api/gallery/photos?" + query)
            .header("Content-Type", "image/png")
            .POST(BodyPublishers.ofByteArray(photo)));
  }

  private JsonNode recognize(RecognitionService service, Color colour) throws Exception {
    return send(
            200,
            at(service, "/api/recognize").POST(BodyPublishers.ofByteArray(Pictures.plain(colour))))
        .get("objects")
        .get(0);
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, UTF_8);
  }

  @Test
  void addsChangesAndRemovesPhotosUntilSearchesSeeIt() throws Exception {
    try (RecognitionService service = start()) {
      JsonNode added =
          add(
              200,
              service,
              "productId=cola&label=Cola%20%C3%BC&gtin=4006381333931&wait=searchable",
              Pictures.plain(Color.RED));
      assertThat(added.get("outcome").asText()).isEqualTo("SEARCHABLE");
      assertThat(added.get("searchable").asBoolean()).isTrue();
      String id = added.get("galleryImageId").asText();
      assertThat(id).startsWith("cola/");
      assertThat(recognize(service, Color.RED).get("label").asText()).isEqualTo("Cola ü");

      String changed = at(service, "/api/gallery/photo?id=" + encoded(id)).build().uri().toString();
      send(
          200,
          HttpRequest.newBuilder(URI.create(changed + "&wait=searchable"))
              .header("Content-Type", "application/json")
              .method("PATCH", BodyPublishers.ofString("{\"label\": \"Cherry cola\"}")));
      JsonNode photo = get(service, "/api/gallery/photo?id=" + encoded(id));
      assertThat(photo.get("label").asText()).isEqualTo("Cherry cola");
      assertThat(photo.get("gtin").asText()).isEqualTo("04006381333931");
      assertThat(recognize(service, Color.RED).get("label").asText()).isEqualTo("Cherry cola");

      HttpResponse<byte[]> picture =
          client.send(
              at(service, photo.get("picture").asText() + "&size=32").build(),
              BodyHandlers.ofByteArray());
      assertThat(picture.statusCode()).isEqualTo(200);
      var pixels = ImageIO.read(new ByteArrayInputStream(picture.body()));
      assertThat(Math.max(pixels.getWidth(), pixels.getHeight())).isEqualTo(32);
      assertThat(new Color(pixels.getRGB(10, 10)).getRed()).isGreaterThan(240);

      send(200, HttpRequest.newBuilder(URI.create(changed + "&wait=searchable")).DELETE());
      assertThat(get(service, "/api/gallery").get("total").asInt()).isZero();
      assertThat(recognize(service, Color.RED).get("status").asText()).isEqualTo("UNKNOWN");
    }
  }

  @Test
  void takesPhotosAsFormAsJsonAndTooLargeForARecord() throws Exception {
    try (RecognitionService service = start()) {
      String form =
          "--b\r\nContent-Disposition: form-data; name=\"productId\"\r\n\r\nblue\r\n"
              + "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n";
      byte[] body =
          join(form.getBytes(UTF_8), Pictures.plain(Color.BLUE), "\r\n--b--\r\n".getBytes(UTF_8));
      send(
          200,
          at(service, "/api/gallery/photos?wait=searchable")
              .header("Content-Type", "multipart/form-data; boundary=b")
              .POST(BodyPublishers.ofByteArray(body)));
      assertThat(recognize(service, Color.BLUE).get("label").asText()).isEqualTo("blue");

      String object =
          "{\"id\": \"green-1\", \"productId\": \"green\", \"attributes\": {\"store\": \"7\"}, \"uri\": \"data:image/png;base64,%s\"}"
              .formatted(Base64.getEncoder().encodeToString(Pictures.plain(Color.GREEN)));
      send(
          200,
          at(service, "/api/gallery/photos?wait=searchable")
              .header("Content-Type", "application/json")
              .POST(BodyPublishers.ofString(object)));
      assertThat(
              get(service, "/api/gallery/photo?id=green-1").get("attributes").get("store").asText())
          .isEqualTo("7");

      byte[] large = Pictures.noise(1400, 1400);
      assertThat(large.length).isGreaterThan(1 << 20);
      add(200, service, "productId=noise&wait=searchable", large);
      assertThat(get(service, "/api/gallery/products").get("total").asInt()).isEqualTo(3);
      JsonNode page = get(service, "/api/gallery?limit=2&offset=1");
      assertThat(page.get("total").asInt()).isEqualTo(3);
      assertThat(page.get("photos")).hasSize(2);
      assertThat(get(service, "/api/gallery?query=GREEN").get("photos")).hasSize(1);
      assertThat(get(service, "/api/gallery?product=blue").get("photos")).hasSize(1);
      send(200, at(service, "/api/gallery/product?id=noise&wait=searchable").DELETE());
      assertThat(get(service, "/api/gallery/products").get("total").asInt()).isEqualTo(2);
    }
  }

  private static byte[] join(byte[]... parts) throws Exception {
    var out = new java.io.ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.write(part);
    }
    return out.toByteArray();
  }

  @Test
  void saysWhatIsWrong() throws Exception {
    try (RecognitionService service = start()) {
      JsonNode undecodable =
          add(422, service, "productId=x&wait=searchable", "no image".getBytes(UTF_8));
      assertThat(undecodable.get("reason").asText()).isEqualTo("UNSUPPORTED_IMAGE");
      assertThat(add(400, service, "label=x", new byte[] {1}).get("message").asText())
          .contains("productId is missing");
      assertThat(add(400, service, "productId=x&gtin=4006381333932", new byte[] {1})).isNotNull();
      assertThat(add(400, service, "productId=x&crop=1,2", new byte[] {1}).get("message").asText())
          .contains("X1,Y1,X2,Y2");
      add(400, service, "productId=x&wait=maybe", new byte[] {1});
      add(202, service, "productId=x", Pictures.plain(Color.RED));
      send(404, at(service, "/api/gallery/photo?id=nothing").GET());
      send(404, at(service, "/api/gallery/picture?id=nothing").GET());
      send(404, at(service, "/api/gallery/product?id=nothing").DELETE());
      send(400, at(service, "/api/gallery?limit=0").GET());
      send(400, at(service, "/api/gallery/photo").GET());
      send(405, at(service, "/api/gallery").DELETE());
      send(404, at(service, "/api/nothing").GET());
      send(400, at(service, "/api/gallery/import").POST(BodyPublishers.ofString("no avro")));
    }
  }

  @Test
  void exportsAndImports() throws Exception {
    byte[] exported;
    try (RecognitionService service = start()) {
      add(200, service, "productId=red&wait=searchable", Pictures.plain(Color.RED));
      add(200, service, "productId=blue&wait=searchable", Pictures.plain(Color.BLUE));
      exported =
          client
              .send(at(service, "/api/gallery/export").build(), BodyHandlers.ofByteArray())
              .body();
      send(200, at(service, "/api/gallery/product?id=red&wait=searchable").DELETE());
      JsonNode report =
          send(
              200,
              at(service, "/api/gallery/import?wait=searchable")
                  .POST(BodyPublishers.ofByteArray(exported)));
      assertThat(report.get("applied").asInt()).isEqualTo(2);
      TestTopics.awaitSize(service, 2);
      assertThat(recognize(service, Color.RED).get("label").asText()).isEqualTo("red");
      JsonNode photo = get(service, "/api/gallery?product=red").get("photos").get(0);
      // It came back as a vector.
      assertThat(send(404, at(service, photo.get("picture").asText()).GET()).get("reason").asText())
          .isEqualTo("NO_PICTURE");
    }
  }

  @Test
  void givesEachEventOnceToThoseWhoListen() throws Exception {
    try (RecognitionService service = start()) {
      topics.update(Map.of("blue", Color.BLUE));
      TestTopics.awaitSize(service, 1);
      HttpResponse<InputStream> listening =
          client.send(at(service, "/api/events").build(), BodyHandlers.ofInputStream());
      HttpResponse<InputStream> other =
          client.send(
              at(service, "/api/events?camera=nobody").build(), BodyHandlers.ofInputStream());
      assertThat(listening.headers().firstValue("Content-Type").orElseThrow())
          .startsWith("text/event-stream");
      List<String> sent = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        sent.add(topics.recognize(Color.BLUE).getEventId());
      }
      List<JsonNode> seen = new ArrayList<>();
      long lastId = 0;
      try (BufferedReader lines =
          new BufferedReader(new InputStreamReader(listening.body(), UTF_8))) {
        while (seen.size() < 5) {
          String line = lines.readLine();
          if (line.startsWith("id: ")) {
            lastId = seen.size() < 3 ? Long.parseLong(line.substring(4)) : lastId;
          } else if (line.startsWith("data: ")) {
            seen.add(json.readTree(line.substring(6)));
          }
        }
      }
      assertThat(seen).extracting(event -> event.get("eventId").asText()).isEqualTo(sent);
      assertThat(seen).allSatisfy(event -> assertThat(event.toString()).contains("MATCH"));

      HttpResponse<InputStream> again =
          client.send(
              at(service, "/api/events").header("Last-Event-ID", Long.toString(lastId)).build(),
              BodyHandlers.ofInputStream());
      List<String> missed = new ArrayList<>();
      try (BufferedReader lines = new BufferedReader(new InputStreamReader(again.body(), UTF_8))) {
        while (missed.size() < 2) {
          String line = lines.readLine();
          if (line.startsWith("data: ")) {
            missed.add(json.readTree(line.substring(6)).get("eventId").asText());
          }
        }
      }
      assertThat(missed).isEqualTo(sent.subList(3, 5));
      byte[] nothing = new byte[200];
      int read = other.body().read(nothing);
      assertThat(new String(nothing, 0, read, UTF_8))
          .startsWith(": events follow")
          .doesNotContain("data");
      other.body().close();
    }
  }
}
