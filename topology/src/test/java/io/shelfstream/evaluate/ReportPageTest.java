package io.shelfstream.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.image.ImageDecoder;
import io.shelfstream.image.ImageLimits;
import io.shelfstream.recognition.Pictures;
import java.awt.Color;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportPageTest {
  private static final String HOSTILE = "<script>alert('x')</script>\"&100 %s %n\u202E";

  @TempDir Path folder;

  private EmbeddedPhoto photo(String name, String label, Color colour, float... embedding)
      throws Exception {
    Path file = Files.write(folder.resolve(name), Pictures.plain(colour));
    return new EmbeddedPhoto(name, label, null, file, name, embedding);
  }

  private Report report() throws Exception {
    List<EmbeddedPhoto> gallery =
        List.of(
            photo("a.png", "a", Color.RED, 1, 0),
            photo("b.png", HOSTILE, Color.BLUE, 0, 1),
            new EmbeddedPhoto(
                "gone.png", "c", null, folder.resolve("gone.png"), "g", new float[] {-1, 0}));
    List<EmbeddedPhoto> queries =
        List.of(
            photo("q1.png", HOSTILE, Color.PINK, 0.8f, 0.6f),
            photo("q2.png", "a", Color.ORANGE, 1, 0),
            photo("q3.png", "c", Color.GRAY, 0.6f, 0.8f),
            photo("s.png", "stranger", Color.GREEN, 0, 1));
    Settings settings =
        new Settings(List.of(1, 5), 0.5f, 0, false, List.of(0.5, 1.0), 0.5, 3, List.of(1));
    Evaluation evaluation = new Retrieval(gallery, settings).evaluate(queries, done -> {});
    return new Report(
        HOSTILE,
        gallery.size(),
        3,
        "queries.tsv",
        List.of(new Unreadable(Path.of("/" + "bad<b>.png"), HOSTILE)),
        Notes.of(gallery, queries, settings, evaluation),
        "x@1",
        null,
        settings,
        evaluation);
  }

  private String page() throws Exception {
    Path file = folder.resolve("report.html");
    ReportPage.write(report(), new ImageDecoder(ImageLimits.DEFAULT), 10, file);
    return Files.readString(file);
  }

  @Test
  void escapesWhatOthersWrote() throws Exception {
    assertThat(page())
        .contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;100 %s %n\\u202e")
        .doesNotContain("<script", "bad<b>", "\u202E");
  }

  @Test
  void isOneFileWithItsPictures() throws Exception {
    String page = page();

    assertThat(
            Pattern.compile("(?:src|href|url)\\s*[=(]\\s*\"?+(?!data:image/jpeg;base64,)")
                .matcher(page)
                .find())
        .as("anything that a browser would fetch")
        .isFalse();
    assertThat(page).doesNotContain("http");
    assertThat(
            Pattern.compile("<img src=\"data:image/jpeg;base64,[A-Za-z0-9+/=]{100,}\"")
                .matcher(page)
                .results())
        .as("pictures of three cases; of one photo the file is gone")
        .hasSize(7);
    assertThat(page).contains("no picture here", "its product is not in the gallery");
    assertThat(page).contains("<svg", "polyline", "recall@1", "mAP", "match.threshold");
  }

  @Test
  void tagsAreClosed() throws Exception {
    String page = page();
    for (String tag :
        List.of("table", "div", "section", "details", "svg", "figure", "tr", "main")) {
      assertThat(Pattern.compile("<" + tag + "[ >]").matcher(page).results().count())
          .as(tag)
          .isEqualTo(Pattern.compile("</" + tag + ">").matcher(page).results().count());
    }
    assertThat(page).doesNotContain("NaN", "Infinity", "null");
  }

  @Test
  void textAndJsonHoldTheSame() throws Exception {
    Report report = report();

    String text = ReportText.of(report);
    var json = ReportJson.of(report);

    assertThat(text)
        .contains(
            "recall@1 33.3 %",
            "3 products, the worst first",
            "for 50 % right labels, set",
            "1 × c taken for",
            "of 1 that are not in the gallery");
    assertThat(text).doesNotContain("NaN", "Infinity", "null", "\u202E");
    assertThat(json.at("/figures/recall@1").asDouble()).isEqualTo(1 / 3.0);
    assertThat(json.at("/queries/notInGallery").asInt()).isEqualTo(1);
    assertThat(json.at("/unreadable/0/why").asText()).isEqualTo(HOSTILE);
    assertThat(json.at("/answers")).hasSize(4);
    assertThat(json.toString()).doesNotContain("NaN", "Infinity");
  }
}
