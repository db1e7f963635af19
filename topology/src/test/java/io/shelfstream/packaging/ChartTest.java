package io.shelfstream.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.shelfstream.config.ShelfStreamConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The Helm chart, as Helm renders it, against Kubernetes' own schemas and our own settings. */
class ChartTest {
  private static final Path CHART =
      Path.of("../deploy/helm/shelfstream").toAbsolutePath().normalize();
  // Kinds of operators; Kubernetes' schemas do not have them.
  private static final Set<String> OF_OPERATORS =
      Set.of("keda.sh/v1alpha1", "monitoring.coreos.com/v1");

  @TempDir Path folder;
  private final ObjectMapper yaml = new ObjectMapper(new YAMLFactory());

  static Stream<Path> valueSets() throws Exception {
    try (Stream<Path> files = Files.list(CHART.resolve("ci"))) {
      return files.sorted().toList().stream();
    }
  }

  private Program.Answer helm(String... arguments) throws Exception {
    return Program.of("helm").run(CHART, arguments);
  }

  private List<JsonNode> render(Path values, String... more) throws Exception {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "template", "shop", ".", "--kube-version", "1.34", "--values", values.toString()));
    arguments.addAll(List.of(more));
    Program.Answer answer = helm(arguments.toArray(String[]::new));
    assertThat(answer.code()).as(answer.text()).isZero();
    List<JsonNode> documents = new ArrayList<>();
    try (MappingIterator<JsonNode> all = yaml.readerFor(JsonNode.class).readValues(answer.text())) {
      all.forEachRemaining(
          document -> {
            if (document.isObject()) {
              documents.add(document);
            }
          });
    }
    return documents;
  }

  private static List<JsonNode> of(String kind, List<JsonNode> documents) {
    return documents.stream().filter(d -> d.path("kind").asText().equals(kind)).toList();
  }

  @ParameterizedTest
  @MethodSource("valueSets")
  void helmFindsNoFault(Path values) throws Exception {
    Program.Answer answer = helm("lint", "--strict", ".", "--values", values.toString());
    assertThat(answer.code()).as(answer.text()).isZero();
  }

  @ParameterizedTest
  @MethodSource("valueSets")
  void kubernetesTakesEveryObject(Path values) throws Exception {
    Program validate = Program.of("kubernetes-validate");
    List<JsonNode> objects =
        render(values).stream()
            .filter(object -> !OF_OPERATORS.contains(object.path("apiVersion").asText()))
            .toList();
    assertThat(objects).hasSizeGreaterThan(4);
    Path file = folder.resolve("objects.yaml");
    StringBuilder text = new StringBuilder();
    for (JsonNode object : objects) {
      text.append(yaml.writeValueAsString(object));
    }
    Files.writeString(file, text);
    for (String version : List.of("1.27", "1.34")) {
      Program.Answer answer =
          validate.run(folder, "--strict", "--no-warn", "-k", version, file.toString());
      assertThat(answer.code()).as(version + ": " + answer.text()).isZero();
    }
  }

  @ParameterizedTest
  @MethodSource("valueSets")
  void theServiceTakesItsSettings(Path values) throws Exception {
    List<JsonNode> objects = render(values);
    for (JsonNode map : of("ConfigMap", objects)) {
      Path file = folder.resolve("shelfstream.properties");
      Files.writeString(file, map.path("data").path("shelfstream.properties").asText());
      assertThat(ShelfStreamConfig.load(file, Map.of())).isNotNull();
    }
    Set<String> known = Settings.variables();
    for (JsonNode set : of("StatefulSet", objects)) {
      Set<String> named = new TreeSet<>();
      set.findValues("env")
          .forEach(env -> env.forEach(variable -> named.add(variable.path("name").asText())));
      named.removeIf(name -> !name.startsWith("SHELFSTREAM_"));
      assertThat(known).containsAll(named);
    }
  }

  @ParameterizedTest
  @MethodSource("valueSets")
  void podsHaveTimeToDrainAndNoRights(Path values) throws Exception {
    List<JsonNode> sets = of("StatefulSet", render(values));
    assertThat(sets).isNotEmpty();
    for (JsonNode set : sets) {
      JsonNode pod = set.at("/spec/template/spec");
      JsonNode container = pod.at("/containers/0");
      int drain =
          Integer.parseInt(environment(container, "SHELFSTREAM_DELIVERY_DRAIN").replace("s", ""));
      int before = container.at("/lifecycle/preStop/exec/command/1").asInt(0);
      assertThat(pod.path("terminationGracePeriodSeconds").asInt())
          .isGreaterThanOrEqualTo(drain + before + 10);
      assertThat(pod.at("/securityContext/runAsNonRoot").asBoolean()).isTrue();
      assertThat(container.at("/securityContext/readOnlyRootFilesystem").asBoolean()).isTrue();
      assertThat(container.at("/securityContext/allowPrivilegeEscalation").asBoolean(true))
          .isFalse();
      assertThat(container.path("args").toString()).contains("--role");
      assertThat(container.at("/resources/limits").has("memory")).isTrue();
    }
  }

  private static String environment(JsonNode container, String name) {
    for (JsonNode variable : container.path("env")) {
      if (variable.path("name").asText().equals(name)) {
        return variable.path("value").asText();
      }
    }
    return "";
  }

  @Test
  void gpusGoToPodsThatRecognise() throws Exception {
    List<JsonNode> sets = of("StatefulSet", render(CHART.resolve("ci/gpu.yaml")));
    assertThat(sets).hasSize(1);
    JsonNode pod = sets.get(0).at("/spec/template/spec");
    assertThat(pod.at("/containers/0/resources/limits/nvidia.com~1gpu").asInt()).isEqualTo(2);
    assertThat(pod.at("/containers/0/resources/limits/memory").asText()).isEqualTo("8Gi");
    assertThat(environment(pod.at("/containers/0"), "SHELFSTREAM_MODELS_PROVIDER"))
        .isEqualTo("cuda");
  }

  @Test
  void anAutoscaledWorkloadNamesNoReplicas() throws Exception {
    List<JsonNode> objects = render(CHART.resolve("ci/secured.yaml"));
    JsonNode scaled = of("ScaledObject", objects).get(0);
    String target = scaled.at("/spec/scaleTargetRef/name").asText();
    JsonNode set =
        of("StatefulSet", objects).stream()
            .filter(s -> s.at("/metadata/name").asText().equals(target))
            .findFirst()
            .orElseThrow();
    assertThat(set.path("spec").has("replicas")).isFalse();
    assertThat(scaled.at("/spec/triggers/0/metadata/consumerGroup").asText()).isEqualTo("shop-7");
  }

  /** Each with the value that the message must name. */
  @ParameterizedTest
  @CsvSource({
    "kafka.bootstrapServers=broker, bootstrapServers",
    "kafka.bootstrapServer=broker:9092, bootstrapServer",
    "registry.url=registry:8080, registry",
    "settings.kafka\\.bootstrap\\.servers=x:1, settings",
    "recognize.replicas=many, replicas",
    "recognize.heap=lots, heap",
    "http.auth=token, SHELFSTREAM_HTTP_TOKEN",
    "gpu.count=0, count",
    "recognize.persistence.size=10 GB, size",
    "image.digest=sha256:1, digest",
  })
  void wrongValuesAreRefused(String value, String named) throws Exception {
    Program.Answer answer =
        helm(
            "template",
            "shop",
            ".",
            "--kube-version",
            "1.34",
            "--values",
            "ci/small.yaml",
            "--set",
            value);
    assertThat(answer.code()).as(answer.text()).isNotZero();
    assertThat(answer.text()).contains(named);
  }

  @Test
  void theChartIsOfThisVersion() throws Exception {
    String pom = Files.readString(Path.of("../pom.xml"));
    String revision = pom.replaceFirst("(?s).*<revision>(.*?)(-SNAPSHOT)?</revision>.*", "$1");
    assertThat(yaml.readTree(CHART.resolve("Chart.yaml").toFile()).path("appVersion").asText())
        .isEqualTo(revision);
  }
}
