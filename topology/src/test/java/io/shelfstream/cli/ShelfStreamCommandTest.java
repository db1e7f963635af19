package io.shelfstream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.shelfstream.HeldPort;
import io.shelfstream.index.FaissLibrary;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command line as a person meets it: exit codes, and what stands on which stream. */
class ShelfStreamCommandTest {
  private static final String MODELS = "src/test/resources/models/colour";

  private final PrintStream stdout = System.out;
  private final PrintStream stderr = System.err;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @TempDir Path folder;

  @BeforeEach
  void capture() {
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
  }

  @AfterEach
  void restore() {
    System.setOut(stdout);
    System.setErr(stderr);
  }

  @Test
  void withoutAVerbShowsTheVerbsAndExitsWithTwo() {
    assertThat(ShelfStreamCommand.run()).isEqualTo(2);
    assertThat(err.toString(StandardCharsets.UTF_8)).contains("recognize", "doctor", "Exit codes");
  }

  @Test
  void everyVerbHasHelp() {
    for (String verb :
        List.of(
            "demo",
            "run",
            "topics",
            "publish",
            "gallery",
            "watch",
            "recognize",
            "evaluate",
            "doctor")) {
      assertThat(ShelfStreamCommand.run(verb, "--help")).as(verb).isZero();
    }
  }

  @Test
  void demoSaysInOneLineWhatIsMissing() {
    int code = ShelfStreamCommand.run("demo", "--models", MODELS);

    assertThat(code).isEqualTo(2);
    assertThat(err.toString(StandardCharsets.UTF_8).strip().lines())
        .singleElement()
        .asString()
        .contains("--images DIR, --gallery FILE")
        .doesNotContain("--models");
  }

  @Test
  void listsAllProblemsOfAConfigurationAtOnce() {
    int code =
        ShelfStreamCommand.run("run", "--set", "models.dirr=x", "--set", "images.max.pixels=-1");

    assertThat(code).isEqualTo(2);
    assertThat(err.toString(StandardCharsets.UTF_8))
        .contains("models.dirr")
        .contains("images.max.pixels")
        .contains("models.dir is not set");
  }

  @Test
  void startsNotWithoutTheGpuThatWasAskedFor() {
    assumeTrue(FaissLibrary.describe().gpus() == 0, "there is a GPU here");

    int code =
        ShelfStreamCommand.run(
            "run", "--set", "models.dir=" + MODELS, "--set", "index.device=cuda");

    assertThat(code).isEqualTo(2);
    assertThat(err.toString(StandardCharsets.UTF_8))
        .contains("index.device=cuda cannot be had: ")
        .contains("set index.device=auto");
  }

  /** Each would hang in a script otherwise. */
  @Test
  void verbsThatNeedABrokerGiveUpAfterTheirWait() throws Exception {
    List<List<String>> commands =
        List.of(
            List.of("topics"),
            List.of("watch"),
            List.of("publish", "--camera", "c", "http://localhost/frame.jpg"),
            List.of("gallery", "list"),
            List.of("gallery", "add", "--product", "p", "http://localhost/photo.jpg"),
            List.of("gallery", "remove", "photo"),
            List.of("gallery", "export", folder.resolve("gallery.avro").toString()));
    try (HeldPort port = new HeldPort()) {
      for (List<String> command : commands) {
        err.reset();
        List<String> line = new ArrayList<>(command);
        line.addAll(List.of("--wait", "0s", "-b", "127.0.0.1:" + port.number()));

        int code = ShelfStreamCommand.run(line.toArray(String[]::new));

        assertThat(code).as("%s", command).isEqualTo(1);
        assertThat(err.toString(StandardCharsets.UTF_8).strip().lines())
            .as("%s", command)
            .singleElement()
            .asString()
            .startsWith("shelfstream: Gave up waiting for the broker 127.0.0.1:")
            .contains("nobody listens there", "--bootstrap-server");
      }
    }
  }

  @Test
  void doctorSaysInItsTableOnlyThatThereIsNoBroker() throws Exception {
    try (HeldPort port = new HeldPort()) {
      int code = ShelfStreamCommand.run("doctor", "-b", "127.0.0.1:" + port.number());

      assertThat(code).isEqualTo(1);
    }
    assertThat(out.toString(StandardCharsets.UTF_8).lines())
        .anyMatch(line -> line.matches("OpenCV +ok +4\\..*, from .*libjniopencv_core\\.so"))
        .anyMatch(line -> line.matches("Broker +MISSING .*nobody listens there.*start a broker.*"));
    assertThat(err.toString(StandardCharsets.UTF_8)).doesNotContain("NetworkClient", "o.a.k.");
  }

  @Test
  void namesAModelDirectoryThatIsNone() throws Exception {
    Path gallery = Files.writeString(folder.resolve("g.tsv"), "a.png\ta\n");
    Files.write(folder.resolve("a.png"), new byte[] {1});

    int code =
        ShelfStreamCommand.run(
            "recognize",
            "--models",
            folder.toString(),
            "--gallery",
            gallery.toString(),
            folder.resolve("a.png").toString());

    assertThat(code).isEqualTo(2);
    assertThat(err.toString(StandardCharsets.UTF_8)).contains("model.properties");
  }

  @Test
  void recognisesAnImageAndGoesOnAfterOneThatCannotBeRead() throws Exception {
    Path gallery = Files.writeString(folder.resolve("g.tsv"), "left.png\tleft\n");
    Path left = folder.resolve("left.png");
    try (var picture = ShelfStreamCommandTest.class.getResourceAsStream("/pictures/halves.png")) {
      Files.write(left, picture.readAllBytes());
    }
    Path broken = Files.writeString(folder.resolve("broken.png"), "no image");

    int code =
        ShelfStreamCommand.run(
            "recognize",
            "--models",
            MODELS,
            "--gallery",
            gallery.toString(),
            "--annotate",
            folder.resolve("out").toString(),
            "--profile",
            "pp-shitu",
            broken.toString(),
            left.toString());

    assertThat(code).isEqualTo(1);
    assertThat(err.toString(StandardCharsets.UTF_8)).contains("broken.png: UNSUPPORTED_IMAGE");
    assertThat(out.toString(StandardCharsets.UTF_8).strip())
        .matches(
            "Inference: \\d+(\\.\\d+)? ms per batch image\\R"
                + "\\[\\{'bbox': \\[0, 0, 64, 64], 'rec_docs': 'left', 'rec_scores': 1\\.0\\d*}]");
    assertThat(folder.resolve("out/left.png")).isNotEmptyFile();
  }

  @Test
  void recognisesStandardInputAReferenceAndAListOfFiles() throws Exception {
    byte[] picture;
    try (var stream = ShelfStreamCommandTest.class.getResourceAsStream("/pictures/halves.png")) {
      picture = stream.readAllBytes();
    }
    Path listed = Files.write(folder.resolve("a photo.png"), picture);
    Path list = Files.writeString(folder.resolve("list.txt"), listed + "\r\n\n");
    InputStream before = System.in;
    System.setIn(new ByteArrayInputStream(picture));
    try {
      int code =
          ShelfStreamCommand.run(
              "recognize",
              "--models",
              MODELS,
              "--format",
              "json",
              "--list",
              list.toString(),
              "-",
              "data:image/png;base64," + Base64.getEncoder().encodeToString(picture));

      assertThat(code).isZero();
    } finally {
      System.setIn(before);
    }
    assertThat(out.toString(StandardCharsets.UTF_8).lines())
        .satisfiesExactly(
            line -> assertThat(line).contains("\"frameId\":\"stdin\"", "\"imageWidth\":64"),
            line -> assertThat(line).contains("\"frameId\":\"data\"", "\"imageWidth\":64"),
            line -> assertThat(line).contains("\"frameId\":\"a photo.png\""));
  }

  @Test
  void saysWhatToDoWhenNoImageIsNamed() {
    assertThat(ShelfStreamCommand.run("recognize", "--models", MODELS)).isEqualTo(2);
    assertThat(err.toString(StandardCharsets.UTF_8)).contains("IMAGE|DIR|URL", "--list FILE");
  }
}
