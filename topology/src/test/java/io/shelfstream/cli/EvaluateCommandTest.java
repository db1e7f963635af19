package io.shelfstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.Embeddings;
import io.shelfstream.gallery.paddleclas.IndexDirectoryWriter;
import io.shelfstream.recognition.Pictures;
import java.awt.Color;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command from photos to files, with an extractor that sees colours only. */
class EvaluateCommandTest {
  private static final String MODELS = "src/test/resources/models/colour";

  private final PrintStream stdout = System.out;
  private final PrintStream stderr = System.err;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @TempDir Path folder;

  @BeforeEach
  void capture() throws Exception {
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
    photo("gallery/red/1.png", new Color(250, 5, 5));
    photo("gallery/red/2.png", new Color(230, 30, 10));
    photo("gallery/green/1.png", new Color(5, 250, 5));
    photo("gallery/blue/1.png", new Color(5, 5, 250));
    photo("queries/red/1.png", new Color(240, 10, 10));
    photo("queries/blue/1.png", new Color(10, 10, 240));
    // Blue with much green: nearer to green.
    photo("queries/blue/2.png", new Color(5, 180, 120));
  }

  @AfterEach
  void restore() {
    System.setOut(stdout);
    System.setErr(stderr);
  }

  private Path photo(String name, Color colour) throws Exception {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.write(file, Pictures.plain(colour));
  }

  private int evaluate(String... options) {
    List<String> line = new ArrayList<>(List.of("evaluate", "--models", MODELS));
    for (String option : options) {
      line.add(option.startsWith("@") ? folder.resolve(option.substring(1)).toString() : option);
    }
    return ShelfStreamCommand.run(line.toArray(String[]::new));
  }

  private JsonNode json() throws Exception {
    return new ObjectMapper().readTree(folder.resolve("figures.json").toFile());
  }

  private String text() {
    return out.toString(StandardCharsets.UTF_8);
  }

  private String errors() {
    return err.toString(StandardCharsets.UTF_8);
  }

  @Test
  void printsFiguresAndWritesBothFiles() throws Exception {
    int code =
        evaluate(
            "--gallery",
            "@gallery",
            "--queries",
            "@queries",
            "--json",
            "@figures.json",
            "--html",
            "@report.html");

    assertThat(code).as(errors()).isZero();
    assertThat(text())
        .contains(
            "gallery    4 photos of 3 products",
            "recall@1 66.7 %   recall@5 100.0 %",
            "of 3 queries",
            "1 × blue taken for green",
            "now: match.threshold");
    assertThat(json().at("/figures/recall@1").asDouble()).isEqualTo(2 / 3.0);
    assertThat(json().at("/figures/mAP").asDouble()).isEqualTo((1 + 1 + 0.5) / 3);
    assertThat(json().at("/products/0/label").asText()).isEqualTo("blue");
    assertThat(json().at("/products/0/takenFor").asText()).isEqualTo("green");
    assertThat(Files.readString(folder.resolve("report.html"))).contains("data:image/jpeg");
  }

  @Test
  void readsListsWithCamerasAndIgnoresPairsOfOne() throws Exception {
    Files.writeString(
        folder.resolve("g.tsv"),
        "gallery/red/1.png\tred\tc1\ngallery/red/2.png\tred\tc2\ngallery/blue/1.png\tblue\tc1\n");
    Files.writeString(folder.resolve("q.tsv"), "queries/red/1.png\tred\tc1\n");

    evaluate("--gallery", "@g.tsv", "--queries", "@q.tsv", "--json", "@figures.json");

    assertThat(json().at("/ignoredPairs").asInt()).isEqualTo(1);
    assertThat(json().at("/answers/0/galleryPhoto").asText()).isEqualTo("gallery/red/2.png");
    assertThat(json().at("/answers/0/relevant").asInt()).isEqualTo(1);
  }

  @Test
  void saysThatSomeLinesHaveNoCamera() throws Exception {
    Files.writeString(folder.resolve("g.tsv"), "gallery/red/1.png\tred\tc1\n");
    Files.writeString(folder.resolve("q.tsv"), "queries/red/1.png\tred\n");

    assertThat(evaluate("--gallery", "@g.tsv", "--queries", "@q.tsv")).isZero();

    assertThat(errors()).contains("cameras are not looked at: 1 of the 2 lines");
  }

  @Test
  void withoutQueriesEachPhotoIsComparedWithTheOthers() throws Exception {
    evaluate("--gallery", "@gallery", "--json", "@figures.json");

    // Of red there are two photos, of green and blue one each: these find no other.
    assertThat(json().at("/figures/queries").asInt()).isEqualTo(2);
    assertThat(json().at("/figures/recall@1").asDouble()).isEqualTo(1);
    assertThat(errors()).contains("--with-itself");
  }

  @Test
  void countsAndNamesPhotosThatCannotBeUsed() throws Exception {
    Files.writeString(folder.resolve("gallery/red/broken.png"), "no image");
    Files.writeString(folder.resolve("q.tsv"), "queries/red/1.png\tred\nqueries/gone.png\tred\n");

    int code = evaluate("--gallery", "@gallery", "--queries", "@q.tsv", "--json", "@figures.json");

    assertThat(code).isEqualTo(1);
    assertThat(text()).contains("photos left out as they cannot be used: 2", "recall@1 100.0 %");
    assertThat(errors()).contains("broken.png: ", "gone.png: there is no such file");
    assertThat(json().at("/unreadable")).hasSize(2);
  }

  @Test
  void unknownsAreStrangers() throws Exception {
    photo("others/a.png", new Color(250, 5, 250));
    photo("others/deep/b.png", new Color(120, 120, 120));

    evaluate(
        "--gallery",
        "@gallery",
        "--queries",
        "@queries",
        "--unknowns",
        "@others",
        "--json",
        "@figures.json");

    assertThat(json().at("/queries/notInGallery").asInt()).isEqualTo(2);
    assertThat(json().at("/figures/queries").asInt()).isEqualTo(3);
    assertThat(json().at("/openSet/areaUnderCurve").asDouble()).isBetween(0.5, 1.0);
  }

  @Test
  void refusesUnknownsThatTheGalleryHolds() throws Exception {
    Files.writeString(folder.resolve("u.tsv"), "queries/red/1.png\tred\n");

    assertThat(evaluate("--gallery", "@gallery", "--queries", "@queries", "--unknowns", "@u.tsv"))
        .isEqualTo(2);
    assertThat(errors()).contains("it holds 'red'", "--queries");
  }

  @Test
  void keepsEmbeddingsAndUsesThemAgain() throws Exception {
    evaluate("--gallery", "@gallery", "--queries", "@queries", "--embeddings", "@e.jsonl");
    List<String> lines = Files.readAllLines(folder.resolve("e.jsonl"));
    assertThat(lines).hasSize(7);

    // A photo that was seen as green is green now, whatever it shows.
    String green = embedding(lines, "green/1.png");
    List<String> changed =
        lines.stream()
            .map(l -> l.contains("\"red/1.png\"") ? l.replaceAll("\\[.*]", green) : l)
            .toList();
    assertThat(changed).isNotEqualTo(lines);
    Files.write(folder.resolve("e.jsonl"), changed);
    evaluate(
        "--gallery",
        "@gallery",
        "--queries",
        "@queries",
        "--embeddings",
        "@e.jsonl",
        "--json",
        "@figures.json");

    assertThat(Files.readAllLines(folder.resolve("e.jsonl"))).isEqualTo(changed);
    assertThat(json().at("/answers/2/takenFor").asText()).isEqualTo("green");
  }

  private static String embedding(List<String> lines, String photo) {
    String line =
        lines.stream().filter(l -> l.contains('"' + photo + '"')).findFirst().orElseThrow();
    return line.substring(line.indexOf('['), line.indexOf(']') + 1);
  }

  @Test
  void readsAnIndexOfPaddleClas() throws Exception {
    Path index = folder.resolve("index");
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.create(index, "Flat", 3, null)) {
      writer.add(vector("gallery/red/1.png", "red", 0, 0, 1));
      writer.add(vector("gallery/blue/1.png", "blue", 1, 0, 0));
      writer.finish();
    }
    Files.delete(index.resolve("index.properties")); // PaddleClas writes none

    int code =
        evaluate("--index-dir", "@index", "--queries", "@queries", "--json", "@figures.json");

    assertThat(code).as(errors()).isZero();
    assertThat(json().at("/gallery/photos").asInt()).isEqualTo(2);
    assertThat(json().at("/figures/queries").asInt()).isEqualTo(3);
  }

  private static GalleryVector vector(String id, String label, float... embedding) {
    return GalleryVector.newBuilder()
        .setGalleryImageId(id)
        .setProductId(label)
        .setLabel(label)
        .setEmbedding(Embeddings.encode(embedding))
        .setDimension(embedding.length)
        .setExtractor("any")
        .setSourceOffset(0)
        .build();
  }

  @Test
  void looksAtBoxesInThePipeline() throws Exception {
    int code =
        evaluate(
            "--gallery",
            "@gallery",
            "--queries",
            "@queries",
            "--pipeline",
            "--profile",
            "pp-shitu",
            "--json",
            "@figures.json");

    assertThat(code).as(errors()).isZero();
    assertThat(json().at("/detector").asText()).isNotEmpty();
    assertThat(json().at("/figures/queries").asInt()).isEqualTo(3);
    assertThat(json().at("/figures/recall@1").asDouble()).isEqualTo(2 / 3.0);
    assertThat(json().at("/figures").has("mAP")).isFalse();
    assertThat(json().at("/asPaddleClas/queries").asInt()).isEqualTo(3);
  }

  @Test
  void namesEveryOptionThatIsWrongBeforeItWorks() {
    int code =
        evaluate(
            "--gallery",
            "@gallery",
            "--k",
            "0",
            "--precision",
            "1.5",
            "--left-out",
            "1",
            "--draws",
            "0",
            "--shots",
            "-1",
            "--json",
            "@no/such/folder/x.json");

    assertThat(code).isEqualTo(2);
    assertThat(errors())
        .contains("--k [0]", "--precision [1.5]", "--left-out 1.0", "--draws 0", "--shots [-1]")
        .contains("x.json cannot be written");
  }

  @Test
  void saysWhereTheFilesMayBeWhenNoneIsThere() throws Exception {
    Files.writeString(folder.resolve("q.tsv"), "elsewhere/1.png\tred\nelsewhere/2.png\tred\n");

    assertThat(evaluate("--gallery", "@gallery", "--queries", "@q.tsv")).isEqualTo(1);
    assertThat(errors()).contains("None of the 2 query photos", "1.png", "--image-root");
  }
}
