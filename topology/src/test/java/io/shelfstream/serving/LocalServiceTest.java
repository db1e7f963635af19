package io.shelfstream.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shelfstream.client.UsageException;
import io.shelfstream.client.VectorFile;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.gallery.paddleclas.IndexDirectoryWriter;
import io.shelfstream.recognition.Pictures;
import java.awt.Color;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The port over a gallery of this process. */
class LocalServiceTest {
  @TempDir Path folder;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final ObjectMapper json = new ObjectMapper();

  private static LocalService start(Optional<Path> gallery, Optional<Path> index) throws Exception {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("models.dir", "src/test/resources/models/colour");
    settings.put("models.threads", "1");
    settings.put("http.port", "0");
    return LocalService.start(
        ShelfStreamConfig.loadWithModels(null, settings),
        new LocalService.Source(gallery, Optional.empty(), index));
  }

  private static HttpRequest.Builder at(LocalService service, String path) {
    return HttpRequest.newBuilder(
        URI.create("http://127.0.0.1:%d%s".formatted(service.httpPort(), path)));
  }

  private JsonNode send(int status, HttpRequest.Builder request) throws Exception {
    HttpResponse<String> answer = client.send(request.build(), BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    return json.readTree(answer.body());
  }

  private String label(LocalService service, Color colour) throws Exception {
    JsonNode seen =
        send(
                200,
                at(service, "/api/recognize")
                    .POST(BodyPublishers.ofByteArray(Pictures.plain(colour))))
            .get("objects")
            .get(0);
    return seen.has("label") ? seen.get("label").asText() : seen.get("status").asText();
  }

  private Path productFolders() throws Exception {
    for (Map.Entry<String, Color> product :
        Map.of("red", Color.RED, "blue", Color.BLUE).entrySet()) {
      Path inside = Files.createDirectories(folder.resolve("photos").resolve(product.getKey()));
      Files.write(inside.resolve("1.png"), Pictures.plain(product.getValue()));
    }
    Files.writeString(folder.resolve("photos/red/broken.png"), "no image");
    return folder.resolve("photos");
  }

  @Test
  void servesFoldersOfPhotosAndTakesChanges() throws Exception {
    try (LocalService service = start(Optional.of(productFolders()), Optional.empty())) {
      assertThat(send(200, at(service, "/health/ready").GET()).get("status").asText())
          .isEqualTo("up");
      assertThat(send(200, at(service, "/api/gallery").GET()).get("total").asInt()).isEqualTo(2);
      assertThat(label(service, Color.RED)).isEqualTo("red");
      assertThat(label(service, Color.GREEN)).isEqualTo("UNKNOWN");

      send(
          200,
          at(service, "/api/gallery/photos?productId=green&id=g")
              .POST(BodyPublishers.ofByteArray(Pictures.plain(Color.GREEN))));
      assertThat(label(service, Color.GREEN)).isEqualTo("green");
      send(
          200,
          at(service, "/api/gallery/photo?id=g")
              .header("Content-Type", "application/json")
              .method("PATCH", BodyPublishers.ofString("{\"label\": \"leaf\"}")));
      assertThat(label(service, Color.GREEN)).isEqualTo("leaf");
      assertThat(
              client
                  .send(
                      at(service, "/api/gallery/picture?id=red/1.png").build(),
                      BodyHandlers.discarding())
                  .statusCode())
          .isEqualTo(200);

      byte[] exported =
          client
              .send(at(service, "/api/gallery/export").build(), BodyHandlers.ofByteArray())
              .body();
      send(200, at(service, "/api/gallery/product?id=green").DELETE());
      assertThat(label(service, Color.GREEN)).isEqualTo("UNKNOWN");
      JsonNode report =
          send(200, at(service, "/api/gallery/import").POST(BodyPublishers.ofByteArray(exported)));
      assertThat(report.get("applied").asInt()).isEqualTo(3);
      assertThat(label(service, Color.GREEN)).isEqualTo("leaf");
    }
  }

  @Test
  void servesAnIndexOfPaddleClasAndOnlyReadsIt() throws Exception {
    Path index = folder.resolve("index");
    try (LocalService service = start(Optional.of(productFolders()), Optional.empty())) {
      Path exported = folder.resolve("gallery.avro");
      client.send(at(service, "/api/gallery/export").build(), BodyHandlers.ofFile(exported));
      try (VectorFile.Reader photos = new VectorFile.Reader(exported);
          IndexDirectoryWriter writer = IndexDirectoryWriter.create(index, "Flat", 3, null)) {
        while (photos.hasNext()) {
          writer.add(photos.next());
        }
        writer.finish();
      }
    }
    try (LocalService service = start(Optional.empty(), Optional.of(index))) {
      assertThat(label(service, Color.BLUE)).isEqualTo("blue");
      assertThat(send(200, at(service, "/api/gallery").GET()).get("total").asInt()).isEqualTo(2);
      JsonNode refused =
          send(
              409,
              at(service, "/api/gallery/photos?productId=x")
                  .POST(BodyPublishers.ofByteArray(Pictures.plain(Color.RED))));
      assertThat(refused.get("reason").asText()).isEqualTo("READ_ONLY");
    }
  }

  @Test
  void saysWhatIsWrongWithAFolder() {
    assertThatThrownBy(() -> start(Optional.of(folder), Optional.empty()))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("each product needs one");
  }
}
