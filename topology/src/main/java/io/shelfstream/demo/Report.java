package io.shelfstream.demo;

import io.shelfstream.events.MatchStatus;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognizedObject;
import io.shelfstream.events.Timings;
import io.shelfstream.recognition.Annotations;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A static page with every frame, its boxes and its objects; opens in any browser without a server.
 *
 * @param tally lines that say how the answers compare with the truth; none where that is not known
 */
public record Report(List<Answer> answers, List<String> tally) {
  private static final String HEAD =
      """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8"><title>ShelfStream demo</title>
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <style>
      body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1c1c1c; }
      section { border-top: 1px solid #ccc; padding: 1rem 0; }
      img { max-width: 100%; height: auto; }
      table { border-collapse: collapse; margin-top: .5rem; }
      td, th { padding: .15rem .8rem .15rem 0; text-align: left; font-variant-numeric: tabular-nums; }
      .MATCH { color: #12713c; } .AMBIGUOUS { color: #8a5f00; } .UNKNOWN { color: #b3241c; }
      </style></head><body><h1>ShelfStream demo</h1>
      """;

  /** Frames, objects and mean times, in one line. */
  public String summary() {
    List<RecognitionEvent> events = events();
    List<RecognizedObject> objects = events.stream().flatMap(e -> e.getObjects().stream()).toList();
    return String.format(
        Locale.ROOT,
        "%d frames, %d rejected; %d objects: %d match, %d ambiguous, %d unknown; per frame %.0f ms: fetch %.1f, decode %.1f, detect %.1f, extract %.1f, search %.1f",
        answers.size(),
        answers.size() - events.size(),
        objects.size(),
        count(objects, MatchStatus.MATCH),
        count(objects, MatchStatus.AMBIGUOUS),
        count(objects, MatchStatus.UNKNOWN),
        mean(events, Timings::getTotal),
        mean(events, Timings::getFetch),
        mean(events, Timings::getDecode),
        mean(events, Timings::getDetect),
        mean(events, Timings::getExtract),
        mean(events, Timings::getSearch));
  }

  /** Writes the page beside the annotated images. */
  public Path write(Path folder) throws IOException {
    String sections = answers.stream().map(Report::section).collect(Collectors.joining());
    String counted = tally.stream().map(Report::paragraph).collect(Collectors.joining());
    return Files.writeString(
        folder.resolve("index.html"),
        HEAD + paragraph(summary()) + counted + sections + "</body></html>\n",
        StandardCharsets.UTF_8);
  }

  private static String paragraph(String text) {
    return "<p>" + escape(text) + "</p>\n";
  }

  private static String section(Answer answer) {
    RecognitionEvent event = answer.event();
    if (event == null) {
      return "<section><h2>%s</h2><p class=\"UNKNOWN\">Rejected: %s</p></section>%n"
          .formatted(escape(answer.frameId()), escape(String.valueOf(answer.rejection())));
    }
    String rows = event.getObjects().stream().map(Report::row).collect(Collectors.joining());
    return """
        <section><h2>%s</h2><img src="%s" alt="%s with %d boxes" loading="lazy">
        <table><tr><th>status</th><th>product</th><th>score</th><th>margin</th><th>detection</th><th>box</th></tr>%s</table></section>
        """
        .formatted(
            escape(answer.frameId()),
            escape(answer.annotatedName()),
            escape(answer.frameId()),
            event.getObjects().size(),
            rows);
  }

  private static String row(RecognizedObject o) {
    return String.format(
        Locale.ROOT,
        "<tr><td class=\"%s\">%s</td><td>%s</td><td>%s</td><td>%s</td><td>%.2f%s</td><td>%d, %d, %d, %d</td></tr>",
        o.getStatus(),
        o.getStatus(),
        escape(o.getLabel() == null ? Annotations.caption(o) : o.getLabel()),
        number(o.getScore()),
        number(o.getMargin()),
        o.getDetectionScore(),
        o.getWholeImage() ? " (whole image)" : "",
        o.getBbox().getX1(),
        o.getBbox().getY1(),
        o.getBbox().getX2(),
        o.getBbox().getY2());
  }

  private static String number(@Nullable Float value) {
    return value == null ? "" : String.format(Locale.ROOT, "%.3f", value);
  }

  private List<RecognitionEvent> events() {
    return answers.stream().map(Answer::event).filter(Objects::nonNull).toList();
  }

  private static long count(List<RecognizedObject> objects, MatchStatus status) {
    return objects.stream().filter(o -> o.getStatus() == status).count();
  }

  private static double mean(List<RecognitionEvent> events, ToDoubleFunction<Timings> time) {
    return events.stream().mapToDouble(e -> time.applyAsDouble(e.getTimings())).average().orElse(0);
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }
}
