package io.shelfstream.evaluate;

import static io.shelfstream.evaluate.Report.count;
import static io.shelfstream.evaluate.Report.given;
import static io.shelfstream.evaluate.Report.percent;
import static io.shelfstream.evaluate.Report.setting;

import io.shelfstream.evaluate.Answer.Shown;
import io.shelfstream.evaluate.Chart.Dot;
import io.shelfstream.evaluate.Chart.Line;
import io.shelfstream.evaluate.Chart.Mark;
import io.shelfstream.evaluate.Chart.Point;
import io.shelfstream.evaluate.Decisions.Outcome;
import io.shelfstream.evaluate.Evaluation.Confusion;
import io.shelfstream.evaluate.Evaluation.LeftOut;
import io.shelfstream.evaluate.Evaluation.Product;
import io.shelfstream.evaluate.Evaluation.Shares;
import io.shelfstream.image.ImageDecoder;
import io.shelfstream.image.PixelBox;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * Writes a report as a page for the owner of a shop: one file that needs no server, no network and
 * no script. Pictures are small copies inside it.
 */
public final class ReportPage {
  private static final int PRODUCTS_SHOWN = 25;
  private static final int PAIRS_SHOWN = 15;
  private static final int LISTED = 200;
  private static final int BINS = 40;

  private static final String HEAD =
      """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8"><title>ShelfStream: evaluation</title>
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <style>
      body { font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; color: #1d2329; background: #f4f5f7; margin: 0; }
      main { max-width: 76rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
      h1 { font-size: 1.6rem; margin: .2rem 0 .3rem; } h2 { font-size: 1.2rem; margin: 0 0 .6rem; }
      section { background: #fff; border: 1px solid #dfe3e8; border-radius: 8px; padding: 1.1rem 1.25rem; margin-top: 1.1rem; }
      p { margin: .4rem 0; } .about, .small { color: #59636e; } .small { font-size: .87rem; }
      .cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .8rem; }
      .cards div { border: 1px solid #dfe3e8; border-radius: 6px; padding: .6rem .8rem; }
      .cards b { display: block; font-size: 1.6rem; font-weight: 600; font-variant-numeric: tabular-nums; }
      table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 600; color: #59636e; font-size: .87rem; }
      td, th { padding: .28rem .7rem .28rem 0; border-bottom: 1px solid #eceff2; vertical-align: top; overflow-wrap: anywhere; }
      section { overflow-x: auto; } td:first-child { min-width: 8rem; } td.n:first-child { min-width: 0; }
      .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; } th.n { white-space: normal; vertical-align: bottom; }
      code { background: #eef1f4; border-radius: 4px; padding: .05rem .35rem; }
      pre { background: #eef1f4; border-radius: 6px; padding: .6rem .8rem; margin: .5rem 0; overflow-x: auto; }
      .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); gap: 1.2rem; }
      figure { margin: 0; } figcaption { font-weight: 600; } svg { width: 100%; height: auto; display: block; }
      svg text { font-size: 13px; fill: #59636e; stroke: #fff; stroke-width: 3px; paint-order: stroke; } svg .grid { stroke: #e4e8ec; } svg .mark { stroke: #1d2329; stroke-dasharray: 4 4; }
      svg polyline { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
      .legend { font-size: .87rem; } .legend span { margin-right: 1.1rem; white-space: nowrap; }
      .legend i { display: inline-block; width: .8rem; height: .8rem; border-radius: 2px; margin-right: .35rem; vertical-align: -1px; }
      .worst { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 33rem), 1fr)); gap: 1rem; }
      .case { display: grid; grid-template-columns: repeat(3, 1fr); gap: .6rem; border: 1px solid #dfe3e8; border-radius: 6px; padding: .7rem; }
      .case div { min-width: 0; overflow-wrap: anywhere; font-size: .87rem; line-height: 1.35; }
      .case .frame { height: 9.5rem; display: flex; align-items: center; justify-content: center; background: #f4f5f7; border-radius: 4px; color: #59636e; text-align: center; margin: .25rem 0; }
      .case img { max-width: 100%; max-height: 9.5rem; display: block; }
      .case .wrong { color: #a8321e; } .case .right { color: #116a44; } .case b { display: block; }
      summary { cursor: pointer; margin-top: .6rem; }
      </style></head><body><main>
      """;

  private final Report report;
  private final Evaluation evaluation;
  private final Thumbnails thumbnails;
  private final int worst;
  private final StringBuilder html = new StringBuilder(HEAD);

  private ReportPage(Report report, Thumbnails thumbnails, int worst) {
    this.report = report;
    this.evaluation = report.evaluation();
    this.thumbnails = thumbnails;
    this.worst = worst;
  }

  /**
   * Writes the file, in UTF-8.
   *
   * @param worst how many confusions are shown as pictures
   */
  public static void write(Report report, ImageDecoder decoder, int worst, Path file)
      throws IOException {
    ReportPage page = new ReportPage(report, new Thumbnails(decoder), worst);
    page.head();
    page.figures();
    page.settings();
    page.charts();
    page.confusions();
    page.products();
    page.leftOutPhotos();
    page.add("</main></body></html>");
    Files.writeString(file, page.html, StandardCharsets.UTF_8);
  }

  private void add(String format, Object... values) {
    html.append(values.length == 0 ? format : String.format(Locale.ROOT, format, values))
        .append('\n');
  }

  private void head() {
    add("<h1>How well products are recognised</h1>");
    add(
        "<p class=\"about\">Gallery: %s of %s (%s). Queries: %s of %s (%s).<br>Extractor %s%s.</p>",
        count(report.galleryPhotos(), "photo"),
        count(report.galleryProducts(), "product"),
        Html.text(report.gallery()),
        count(evaluation.answers().size(), "photo"),
        count(evaluation.products().size(), "product"),
        Html.text(report.queries()),
        Html.text(report.extractor()),
        report.detector() == null
            ? "; whole photos are compared, without the detector"
            : ", detector " + Html.text(report.detector()));
    if (!report.notes().isEmpty()) {
      add("<section><h2>Please note</h2><ul>");
      report.notes().forEach(note -> add("<li>%s</li>", Html.text(note)));
      add("</ul></section>");
    }
  }

  private void figures() {
    add("<section><h2>Figures</h2><div class=\"cards\">");
    Figures figures = evaluation.figures();
    figures
        .recall()
        .forEach(
            (k, share) ->
                card(
                    percent(share),
                    "recall@" + k,
                    report.isOfPipeline()
                        ? (k == 1
                            ? "the best box has the right label"
                            : "the right label is among the best " + k + " boxes")
                        : (k == 1
                            ? "the nearest photo shows the product"
                            : "one of the nearest " + k + " photos does")));
    if (!report.isOfPipeline()) {
      card(
          percent(figures.meanAveragePrecision()),
          "mAP",
          "how far all photos of the product stand in front");
      card(
          percent(figures.meanInverseNegativePenalty()),
          "mINP",
          "the same for the last of them, the hardest");
    }
    add("</div>");
    if (!evaluation.shots().isEmpty()) {
      add(
          "<p>With few photos of each product in the gallery, mean of %d draws:</p><table><tr><th class=\"n\">photos a product</th>",
          report.settings().draws());
      figures.recall().keySet().forEach(k -> add("<th class=\"n\">recall@%d</th>", k));
      add("<th class=\"n\">mAP</th></tr>");
      evaluation
          .shots()
          .forEach(
              (shots, few) -> {
                add("<tr><td class=\"n\">%d</td>", shots);
                few.recall()
                    .values()
                    .forEach(share -> add("<td class=\"n\">%s</td>", percent(share)));
                add("<td class=\"n\">%s</td></tr>", percent(few.meanAveragePrecision()));
              });
      add("</table>");
    }
    add("</section>");
  }

  private void card(String value, String name, String meaning) {
    add(
        "<div><b>%s</b>%s<br><span class=\"small\">%s</span></div>",
        value, Html.text(name), Html.text(meaning));
  }

  private void settings() {
    add("<section><h2>What the settings do</h2><table>");
    add(
        "<tr><th>settings</th><th class=\"n\">match.threshold</th><th class=\"n\">match.margin</th><th class=\"n\">labels given that are right</th><th class=\"n\">known ones named rightly</th><th class=\"n\">strangers taken for a product</th></tr>");
    row("in use now", evaluation.now());
    evaluation.calibrations().forEach(this::row);
    LeftOut leftOut = evaluation.leftOut();
    if (leftOut != null) {
      String scope =
          " with %s of the products left out of the gallery".formatted(given(leftOut.share()));
      row(
          "in use now," + scope,
          at(leftOut.openSet().byThreshold(), report.settings().threshold()));
      leftOut.calibrations().forEach(calibration -> row(calibration, scope));
    }
    add("</table>");
    add(
        "<p class=\"small\">An object below the threshold is UNKNOWN; one whose two best products are closer to each other than the margin is AMBIGUOUS; neither gets a label. Strangers are queries whose product is not in the gallery. Set <code>recognition.match.threshold</code> and <code>recognition.match.margin</code> in the configuration, or <code>match.threshold</code> and <code>match.margin</code> in <code>model.properties</code>.</p>");
    for (Calibration calibration : evaluation.calibrations()) {
      Outcome best = calibration.best();
      Outcome unseen = calibration.unseen();
      if (best != null) {
        add(
            "<p class=\"small\">For %s: %s given, which shows at least %s with a confidence of 95 %%.%s</p>",
            given(calibration.wanted()),
            count(best.named(), "label"),
            percent(Calibration.atLeast(best.knownRight(), best.named())),
            unseen == null
                ? ""
                : " Chosen by one half of the queries and counted on the other: %s right, %s of the known named rightly."
                    .formatted(percent(unseen.precision()), percent(unseen.coverage())));
      }
    }
    add("</section>");
  }

  private static Outcome at(List<Outcome> byThreshold, float threshold) {
    return byThreshold.stream()
        .filter(outcome -> outcome.threshold() <= threshold)
        .reduce((a, b) -> b)
        .orElseThrow();
  }

  private void row(Calibration calibration) {
    row(calibration, "");
  }

  private void row(Calibration calibration, String scope) {
    String what = "for %s right labels%s".formatted(given(calibration.wanted()), scope);
    Outcome best = calibration.best();
    Outcome most = calibration.mostPrecise();
    if (best != null) {
      row(what, best);
    } else if (most != null) {
      row(what + ": cannot be reached; the most there is", most);
    } else {
      add("<tr><td>%s: cannot be reached, no query was named rightly</td></tr>", Html.text(what));
    }
  }

  private void row(String what, Outcome outcome) {
    add(
        "<tr><td>%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td></tr>",
        Html.text(what).replace(" %", "&nbsp;%"),
        setting(outcome.threshold()),
        setting(outcome.margin()),
        percent(outcome.precision()),
        percent(outcome.coverage()),
        percent(Shares.of(outcome).strangersNamed()));
  }

  private void charts() {
    add("<section><h2>Curves</h2><div class=\"charts\">");
    LeftOut leftOut = evaluation.leftOut();
    html.append(byThreshold("By match.threshold", evaluation.openSet().byThreshold()).svg());
    boolean ownStrangers = evaluation.now().strangers() > 0;
    if (ownStrangers || leftOut != null) {
      List<Outcome> openSet =
          ownStrangers || leftOut == null
              ? evaluation.openSet().byThreshold()
              : leftOut.openSet().byThreshold();
      String whose =
          ownStrangers || leftOut == null
              ? "Known products against strangers"
              : "With %s of the products left out of the gallery".formatted(given(leftOut.share()));
      html.append(openSet(whose, openSet).svg());
    }
    html.append(scores().svg());
    add("</div></section>");
  }

  /** The thresholds between which something happens, one of every few. */
  private static List<Outcome> shown(List<Outcome> byThreshold) {
    int from = 0;
    int to = byThreshold.size() - 1;
    while (from < to && byThreshold.get(from + 1).named() == byThreshold.get(0).named()) {
      from++;
    }
    while (to > from && byThreshold.get(to).named() == 0) {
      to--;
    }
    to = Math.min(to + 1, byThreshold.size() - 1);
    int step = Math.max(1, (to - from) / 250);
    List<Outcome> shown = new ArrayList<>();
    for (int i = from; i < to; i += step) {
      shown.add(byThreshold.get(i));
    }
    shown.add(byThreshold.get(to));
    return shown;
  }

  private Chart byThreshold(String title, List<Outcome> byThreshold) {
    List<Outcome> shown = shown(byThreshold);
    List<Line> lines = new ArrayList<>();
    lines.add(line("labels given that are right", shown, Outcome::precision));
    lines.add(line("known ones named rightly", shown, Outcome::coverage));
    if (evaluation.now().strangers() > 0) {
      lines.add(line("strangers taken for a product", shown, o -> Shares.of(o).strangersNamed()));
    }
    List<Mark> marks = new ArrayList<>();
    double from = shown.get(0).threshold();
    double to = Math.max(shown.get(shown.size() - 1).threshold(), from + 0.001);
    mark(marks, report.settings().threshold(), "in use", from, to);
    for (Calibration calibration : evaluation.calibrations()) {
      Outcome alone = calibration.thresholdAlone();
      if (alone != null) {
        mark(marks, alone.threshold(), given(calibration.wanted()) + " right", from, to);
      }
    }
    return new Chart(title, "match.threshold", "share", from, to, false, lines, marks, List.of());
  }

  private static void mark(List<Mark> marks, double x, String text, double from, double to) {
    if (x >= from && x <= to) {
      marks.add(new Mark(x, text));
    }
  }

  private static Line line(String name, List<Outcome> outcomes, ToDoubleFunction<Outcome> share) {
    return new Line(
        name,
        outcomes.stream()
            .map(outcome -> new Point(outcome.threshold(), share.applyAsDouble(outcome)))
            .toList());
  }

  private Chart openSet(String title, List<Outcome> byThreshold) {
    Outcome now = at(byThreshold, report.settings().threshold());
    List<Point> points =
        byThreshold.stream()
            .map(o -> new Point(Shares.of(o).strangersNamed(), o.coverage()))
            .distinct()
            .toList();
    return new Chart(
        title,
        "strangers taken for a product",
        "known ones named rightly",
        0,
        1,
        true,
        List.of(new Line("each point is a threshold", points)),
        List.of(),
        List.of(
            new Dot(
                new Point(Shares.of(now).strangersNamed(), now.coverage()),
                "in use, " + setting(now.threshold()))));
  }

  private Chart scores() {
    double from = 1;
    double to = -1;
    for (Answer answer : evaluation.answers()) {
      if (answer.taken() != null) {
        from = Math.min(from, answer.score());
        to = Math.max(to, answer.score());
      }
    }
    if (from >= to) {
      from = Math.min(from, to) - 0.01;
      to = from + 0.02;
    }
    List<Line> lines = new ArrayList<>();
    lines.add(histogram("right", a -> a.isKnown() && a.isRight(), from, to));
    lines.add(histogram("taken for another", a -> a.isKnown() && !a.isRight(), from, to));
    if (evaluation.now().strangers() > 0) {
      lines.add(histogram("strangers", a -> !a.isKnown(), from, to));
    }
    List<Mark> marks = new ArrayList<>();
    mark(marks, report.settings().threshold(), "in use", from, to);
    return new Chart(
        "Best scores of the queries",
        "score",
        "share of each kind, of its highest",
        from,
        to,
        false,
        lines,
        marks,
        List.of());
  }

  private Line histogram(String name, Predicate<Answer> kind, double from, double to) {
    int[] counts = new int[BINS];
    int all = 0;
    for (Answer answer : evaluation.answers()) {
      if (kind.test(answer) && answer.taken() != null) {
        int bin = (int) ((answer.score() - from) / (to - from) * BINS);
        counts[Math.max(0, Math.min(BINS - 1, bin))]++;
        all++;
      }
    }
    int highest = Math.max(1, Arrays.stream(counts).max().orElse(1));
    List<Point> points = new ArrayList<>();
    double width = (to - from) / BINS;
    for (int bin = 0; bin < BINS && all > 0; bin++) {
      double share = (double) counts[bin] / highest;
      points.add(new Point(from + bin * width, share));
      points.add(new Point(from + (bin + 1) * width, share));
    }
    return new Line("%s (%d)".formatted(name, all), points);
  }

  private void confusions() {
    List<Answer> cases = evaluation.worst(worst);
    if (cases.isEmpty()) {
      add(
          "<section><h2>Confusions</h2><p>None: every query was taken for the right product.</p></section>");
      return;
    }
    add("<section><h2>The most confident mistakes</h2>");
    add(
        "<p class=\"small\">Each pair of products once, the highest score first. Often the gallery is to blame: a wrong label, a photo of the wrong side, or a product that is missing.</p><div class=\"worst\">");
    cases.forEach(this::confusion);
    add("</div>");
    List<Confusion> pairs = evaluation.confusions();
    if (!pairs.isEmpty()) {
      add(
          "<h2 style=\"margin-top:1.2rem\">The most frequent ones</h2><table><tr><th class=\"n\">photos</th><th>of</th><th>were taken for</th></tr>");
      pairs.stream()
          .limit(PAIRS_SHOWN)
          .forEach(
              pair ->
                  add(
                      "<tr><td class=\"n\">%d</td><td>%s</td><td>%s</td></tr>",
                      pair.queries(), Html.text(pair.label()), Html.text(pair.takenFor())));
      add("</table>");
      if (pairs.size() > PAIRS_SHOWN) {
        add("<p class=\"small\">and %d more pairs</p>", pairs.size() - PAIRS_SHOWN);
      }
    }
    add("</section>");
  }

  private void confusion(Answer answer) {
    Shown taken = answer.taken();
    Shown right = answer.right();
    add("<div class=\"case\">");
    picture("the photo", "", answer.query(), answer.box(), answer.query().id());
    if (taken != null) {
      picture("taken for, score %.3f".formatted(taken.score()), "wrong", taken, null, taken.id());
    }
    if (right != null) {
      picture("right one, score %.3f".formatted(right.score()), "right", right, null, right.id());
    } else {
      add(
          "<div>right one<div class=\"frame\">%s</div></div>",
          answer.isKnown() ? "not found in any box" : "its product is not in the gallery");
    }
    add("</div>");
  }

  private void picture(
      String role, String style, Shown photo, @Nullable PixelBox box, String name) {
    Path file = photo.file();
    String picture =
        (file == null ? Optional.<String>empty() : thumbnails.uri(file, box))
            .map(uri -> "<img src=\"%s\" alt=\"%s\">".formatted(uri, Html.text(photo.label())))
            .orElse("no picture here");
    add(
        "<div>%s<div class=\"frame\">%s</div><b class=\"%s\">%s</b><span class=\"small\">%s</span></div>",
        Html.text(role), picture, style, Html.text(photo.label()), Html.text(name));
  }

  private void products() {
    List<Product> known =
        evaluation.products().stream().filter(p -> p.figures().queries() > 0).toList();
    if (known.isEmpty()) {
      return;
    }
    add("<section><h2>Products, the worst first</h2>");
    table(known.subList(0, Math.min(PRODUCTS_SHOWN, known.size())));
    if (known.size() > PRODUCTS_SHOWN) {
      add("<details><summary>The other %d</summary>", known.size() - PRODUCTS_SHOWN);
      table(known.subList(PRODUCTS_SHOWN, known.size()));
      add("</details>");
    }
    add("</section>");
  }

  private void table(List<Product> products) {
    add(
        "<table><tr><th>product</th><th class=\"n\">queries</th><th class=\"n\">gallery photos</th>");
    report.settings().ks().forEach(k -> add("<th class=\"n\">recall@%d</th>", k));
    add("<th class=\"n\">mAP</th><th>most often taken for</th></tr>");
    for (Product product : products) {
      add(
          "<tr><td>%s</td><td class=\"n\">%d</td><td class=\"n\">%d</td>",
          Html.text(product.label()), product.queries(), product.galleryPhotos());
      report
          .settings()
          .ks()
          .forEach(k -> add("<td class=\"n\">%s</td>", percent(product.figures().recallAt(k))));
      add(
          "<td class=\"n\">%s</td><td>%s</td></tr>",
          percent(product.figures().meanAveragePrecision()),
          product.takenFor() == null
              ? ""
              : Html.text("%s (%d)".formatted(product.takenFor(), product.times())));
    }
    add("</table>");
  }

  private void leftOutPhotos() {
    List<Unreadable> unreadable = report.unreadable();
    if (unreadable.isEmpty()) {
      return;
    }
    add("<section><h2>Photos that could not be used: %d</h2><table>", unreadable.size());
    unreadable.stream()
        .limit(LISTED)
        .forEach(
            one ->
                add(
                    "<tr><td>%s</td><td>%s</td></tr>",
                    Html.text(one.file().toString()), Html.text(one.why())));
    add("</table>");
    if (unreadable.size() > LISTED) {
      add("<p class=\"small\">and %d more</p>", unreadable.size() - LISTED);
    }
    add("</section>");
  }
}
