package io.shelfstream.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The Compose file and the image: what they name exists. */
class ComposeTest {
  private static final Path FOLDER = Path.of("../deploy/compose").toAbsolutePath().normalize();
  private static final Path FILE = FOLDER.resolve("compose.yaml");
  private static final Pattern VARIABLE = Pattern.compile("\\bSHELFSTREAM_[A-Z0-9_]+(?=[:=])");

  /** With the library that docker compose reads its files with; its own schema is in it. */
  @Test
  void composeTakesIt() throws Exception {
    Program.Answer answer =
        Program.of("compose-go").run(FOLDER, Map.of("COMPOSE_PROFILES", "demo"), FILE.toString());
    assertThat(answer.code()).as(answer.text()).isZero();
    JsonNode services =
        new ObjectMapper(new YAMLFactory()).readTree(answer.text()).path("services");
    assertThat(services.properties())
        .extracting(service -> service.getKey())
        .contains("kafka", "registry", "s3", "topics", "shelfstream", "prometheus", "grafana")
        .contains("demo-gallery", "demo-camera");
  }

  @Test
  void everyMountedFileIsThere() throws Exception {
    JsonNode services =
        new ObjectMapper(new YAMLFactory()).readTree(FILE.toFile()).path("services");
    List<String> mounted = new ArrayList<>();
    services
        .findValues("volumes")
        .forEach(
            volumes ->
                volumes.forEach(
                    volume -> {
                      if (volume.asText().startsWith(".")) {
                        mounted.add(volume.asText().replaceFirst(":.*", ""));
                      }
                    }));
    assertThat(mounted)
        .hasSizeGreaterThanOrEqualTo(5)
        .allSatisfy(file -> assertThat(FOLDER.resolve(file)).isRegularFile());
  }

  @Test
  void everySettingIsOneOfOurs() throws Exception {
    TreeSet<String> named = new TreeSet<>();
    for (Path file : List.of(FILE, FOLDER.resolve("../image/Dockerfile"))) {
      VARIABLE
          .matcher(Files.readString(file))
          .results()
          .map(MatchResult::group)
          .forEach(named::add);
    }
    named.remove("SHELFSTREAM_IMAGE"); // of Compose alone
    named.remove("SHELFSTREAM_MEMORY");
    // Kafka's own keys are passed on unchanged.
    named.removeIf(
        name ->
            name.startsWith("SHELFSTREAM_KAFKA_")
                && !name.equals("SHELFSTREAM_KAFKA_BOOTSTRAP_SERVERS"));
    assertThat(Settings.variables()).containsAll(named);
    assertThat(named).contains("SHELFSTREAM_HTTP_PORT", "SHELFSTREAM_STATE_DIR");
  }
}
