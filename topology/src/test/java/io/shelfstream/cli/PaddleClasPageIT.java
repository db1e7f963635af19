package io.shelfstream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpServer;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.serving.LocalService;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs the right-hand column of the page "Coming from PP-ShiTu". */
class PaddleClasPageIT {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Pattern ROW =
      Pattern.compile("\\| (?:[^|]|\\\\\\|)+ \\| `((?:[^`|]|\\\\\\|)+)` \\|.*");
  private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|'([^']*)'|(\\S+)");

  @TempDir Path temporary;

  /** Our commands, in the order of the page; the index is built before it is used. */
  private static List<String> commands() throws Exception {
    List<String> commands = new ArrayList<>();
    for (String line : Files.readAllLines(ROOT.resolve("docs/paddleclas.md"))) {
      Matcher row = ROW.matcher(line);
      if (row.matches()) {
        commands.add(row.group(1).replace("\\|", "|"));
      }
    }
    return commands;
  }

  private String here(String word) {
    return word.startsWith("deploy/")
        ? ROOT.resolve(word).toString()
        : word.replace("/tmp/", temporary + "/");
  }

  private int run(String command, ByteArrayOutputStream printed) {
    List<String> words = new ArrayList<>();
    Matcher word = WORD.matcher(command.substring("deploy/shelfstream ".length()));
    while (word.find()) {
      String text = word.group().replaceAll("^[\"']|[\"']$", "");
      words.add(here(text));
    }
    PrintStream out = System.out;
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      return ShelfStreamCommand.run(words.toArray(String[]::new));
    } finally {
      System.setOut(out);
    }
  }

  @Test
  void everyCommandOfOursDoesWhatThePageSays() throws Exception {
    List<String> ours =
        commands().stream()
            .filter(command -> command.startsWith("deploy/shelfstream "))
            .filter(command -> !command.startsWith("deploy/shelfstream serve"))
            .toList();
    assertThat(ours).hasSizeGreaterThan(14);
    HttpServer pictures = pictures();
    String before = System.setProperty("shelfstream.home", ROOT.resolve("deploy").toString());
    try {
      String build = ours.stream().filter(c -> c.contains("gallery build")).findFirst().get();
      assertThat(run(build, new ByteArrayOutputStream())).isZero();
      for (String command : ours) {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        String local = command.replace(":8000/", ":" + pictures.getAddress().getPort() + "/");

        assertThat(run(local, printed)).as(command).isZero();

        String text = printed.toString(StandardCharsets.UTF_8);
        assertThat(text).as(command).isNotBlank();
        if (command.contains("pp-shitu") && command.contains(" recognize ")) {
          assertThat(text.lines())
              .as(command)
              .allMatch(
                  line ->
                      line.matches("Inference: [0-9.]+ ms per batch image")
                          || line.matches("\\[\\{'bbox': \\[.*'rec_scores': -?[0-9.]+}]"));
        }
      }
      assertThat(temporary.resolve("out/Arla-Standard-Milk_016.jpg")).isNotEmptyFile();
      assertThat(temporary.resolve("embeddings.jsonl")).isNotEmptyFile();
      assertThat(temporary.resolve("report.html")).isNotEmptyFile();
    } finally {
      pictures.stop(0);
      if (before == null) {
        System.clearProperty("shelfstream.home");
      } else {
        System.setProperty("shelfstream.home", before);
      }
    }
  }

  private static HttpServer pictures() throws Exception {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    byte[] picture = Files.readAllBytes(ROOT.resolve("deploy/demo-data/frames/rendered/000.jpg"));
    server.createContext(
        "/000.jpg",
        exchange -> {
          exchange.sendResponseHeaders(200, picture.length);
          exchange.getResponseBody().write(picture);
          exchange.close();
        });
    server.start();
    return server;
  }

  @Test
  void theServiceAnswersWhatThePageAsks() throws Exception {
    assumeTrue(isThere("curl"), "skipped: there is no curl here");
    List<String> asked =
        commands().stream().filter(command -> command.matches("(.*\\| )?curl .*")).toList();
    assertThat(asked).hasSizeGreaterThan(2);
    ShelfStreamConfig config =
        ShelfStreamConfig.loadWithModels(
            null,
            Map.of(
                "http.port", "0", "models.dir", ROOT.resolve("deploy/models/bundled-int8") + ""));
    try (LocalService service =
        LocalService.start(
            config,
            new LocalService.Source(
                Optional.of(ROOT.resolve("deploy/demo-data/gallery.tsv")),
                Optional.empty(),
                Optional.empty()))) {
      for (String command : asked) {
        Process shell =
            new ProcessBuilder(
                    "bash",
                    "-c",
                    command
                        .replace("curl ", "curl -sSf ")
                        .replace(":8080/", ":" + service.httpPort() + "/")
                        .replace("/tmp/", temporary + "/"))
                .directory(ROOT.toFile())
                .redirectErrorStream(true)
                .start();
        String answer = new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(shell.waitFor(1, TimeUnit.MINUTES)).as(command).isTrue();
        assertThat(shell.exitValue()).as(command + "\n" + answer).isZero();
        if (command.contains("prediction")) {
          assertThat(answer).contains("\"err_no\":0", "rec_docs", "rec_scores");
        }
      }
    }
    assertThat(temporary.resolve("boxes.jpg")).isNotEmptyFile();
  }

  private static boolean isThere(String program) throws Exception {
    return new ProcessBuilder("bash", "-c", "command -v " + program).start().waitFor() == 0;
  }
}
