package io.shelfstream.evaluate;

import static io.shelfstream.evaluate.Report.count;
import static io.shelfstream.evaluate.Report.given;
import static io.shelfstream.evaluate.Report.percent;
import static io.shelfstream.evaluate.Report.setting;

import io.shelfstream.client.OneLine;
import io.shelfstream.evaluate.Decisions.Outcome;
import io.shelfstream.evaluate.Evaluation.Confusion;
import io.shelfstream.evaluate.Evaluation.LeftOut;
import io.shelfstream.evaluate.Evaluation.Product;
import io.shelfstream.evaluate.Evaluation.Shares;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Writes a report for a terminal. */
public final class ReportText {
  /** Products and pairs that are printed; JSON and the page have all of them. */
  private static final int MOST_LINES = 10;

  private static final double SHOWN_DIGITS = 5e-6;

  private final Report report;
  private final Evaluation evaluation;
  private final StringBuilder text = new StringBuilder();

  private ReportText(Report report) {
    this.report = report;
    this.evaluation = report.evaluation();
  }

  /** The whole report, with its line ends. */
  public static String of(Report report) {
    ReportText writer = new ReportText(report);
    writer.head();
    writer.figures();
    writer.products();
    writer.confusions();
    writer.settings();
    writer.calibrations("", writer.evaluation.calibrations(), writer.evaluation.now(), true);
    writer.leftOut();
    return writer.text.toString();
  }

  private void line(String format, Object... values) {
    text.append(String.format(Locale.ROOT, format, values)).append('\n');
  }

  private void head() {
    line(
        "gallery    %s of %s: %s",
        count(report.galleryPhotos(), "photo"),
        count(report.galleryProducts(), "product"),
        OneLine.of(report.gallery()));
    line(
        "queries    %s of %s: %s",
        count(evaluation.answers().size(), "photo"),
        count(evaluation.products().size(), "product"),
        OneLine.of(report.queries()));
    line("extractor  %s", report.extractor());
    if (report.detector() != null) {
      line("detector   %s", report.detector());
    }
  }

  private void figures() {
    line("");
    line("%s   of %s", row(evaluation.figures()), queries(evaluation.figures().queries()));
    evaluation
        .shots()
        .forEach(
            (shots, figures) ->
                line(
                    "%s   with %s a product, mean of %d draws",
                    row(figures), count(shots, "photo"), report.settings().draws()));
    Figures theirs = evaluation.asPaddleClas();
    if (differs(theirs)) {
      line(
          "%s   as PaddleClas's %s averages them",
          row(theirs), report.isOfPipeline() ? "eval_shitu_pipeline.py" : "tools/eval.py");
    }
  }

  private boolean differs(Figures theirs) {
    Figures ours = evaluation.figures();
    return theirs.recall().entrySet().stream()
            .anyMatch(k -> isOther(k.getValue(), ours.recallAt(k.getKey())))
        || (!report.isOfPipeline()
            && isOther(theirs.meanAveragePrecision(), ours.meanAveragePrecision()));
  }

  private static boolean isOther(double a, double b) {
    return Double.isNaN(a) != Double.isNaN(b) || Math.abs(a - b) > SHOWN_DIGITS;
  }

  private String row(Figures figures) {
    List<String> cells = new ArrayList<>();
    figures.recall().forEach((k, share) -> cells.add("recall@%d %s".formatted(k, percent(share))));
    if (!report.isOfPipeline()) {
      cells.add("mAP " + percent(figures.meanAveragePrecision()));
      cells.add("mINP " + percent(figures.meanInverseNegativePenalty()));
    }
    return String.join("   ", cells);
  }

  private void products() {
    List<Product> known =
        evaluation.products().stream().filter(p -> p.figures().queries() > 0).toList();
    if (known.size() < 2) {
      return;
    }
    int k = report.settings().ks().get(0);
    line("");
    line("%s, the worst first%s", count(known.size(), "product"), more(known.size()));
    line("  recall@%-3d      mAP  queries  gallery photos  product", k);
    for (Product product : known.subList(0, Math.min(MOST_LINES, known.size()))) {
      line(
          "  %10s  %7s  %7d  %14d  %s%s",
          percent(product.figures().recallAt(k)),
          percent(product.figures().meanAveragePrecision()),
          product.queries(),
          product.galleryPhotos(),
          OneLine.of(product.label()),
          product.takenFor() == null
              ? ""
              : ", %d × taken for %s".formatted(product.times(), OneLine.of(product.takenFor())));
    }
  }

  private static String queries(int number) {
    return number == 1 ? "1 query" : number + " queries";
  }

  private static String more(int all) {
    return all <= MOST_LINES ? "" : "; %d more with --json or --html".formatted(all - MOST_LINES);
  }

  private void confusions() {
    List<Confusion> confusions = evaluation.confusions();
    if (confusions.isEmpty()) {
      return;
    }
    line("");
    line("taken for another, the most frequent first%s", more(confusions.size()));
    confusions.stream()
        .limit(MOST_LINES)
        .forEach(
            c ->
                line(
                    "  %4d × %s taken for %s",
                    c.queries(), OneLine.of(c.label()), OneLine.of(c.takenFor())));
  }

  private void settings() {
    Outcome now = evaluation.now();
    line("");
    line(
        "now: match.threshold %s, match.margin %s",
        setting(now.threshold()), setting(now.margin()));
    if (now.known() > 0) {
      line(
          "  of %d known: %s named rightly, %s wrongly, %s AMBIGUOUS, %s UNKNOWN",
          now.known(),
          percent(now.coverage()),
          percent((double) now.knownWrong() / now.known()),
          percent(ambiguous(now)),
          percent((double) now.knownBelow() / now.known()));
    }
    if (now.strangers() > 0) {
      Shares shares = Shares.of(now);
      line(
          "  of %d that are not in the gallery: %s UNKNOWN, %s taken for a product; area under the curve %.4f",
          now.strangers(),
          percent(shares.strangersUnknown()),
          percent(shares.strangersNamed()),
          evaluation.openSet().areaUnderCurve());
    }
    line("  of %s: %s right", count(now.named(), "label"), percent(now.precision()));
  }

  private static double ambiguous(Outcome now) {
    return (double) (now.known() - now.knownRight() - now.knownWrong() - now.knownBelow())
        / now.known();
  }

  private void calibrations(
      String scope, List<Calibration> calibrations, Outcome now, boolean bounds) {
    for (Calibration calibration : calibrations) {
      line("");
      Outcome best = calibration.best();
      if (best == null) {
        unreachable(scope, calibration);
        continue;
      }
      line("for %s right labels%s, set", given(calibration.wanted()), scope);
      line(
          "  recognition.match.threshold = %s   recognition.match.margin = %s",
          setting(best.threshold()), setting(best.margin()));
      line(
          "  names %s of the known rightly (now %s); %s of %s right",
          percent(best.coverage()),
          percent(now.coverage()),
          percent(best.precision()),
          count(best.named(), "label"));
      Outcome alone = calibration.thresholdAlone();
      if (best.margin() > 0) {
        line(
            alone == null
                ? "  a threshold without a margin does not reach it"
                : "  without a margin: threshold %s, names %s of the known rightly",
            alone == null ? "" : setting(alone.threshold()),
            alone == null ? "" : percent(alone.coverage()));
      }
      Outcome unseen = calibration.unseen();
      if (unseen != null) {
        line(
            "  chosen by one half of the queries, counted on the other: %s right, names %s",
            percent(unseen.precision()), percent(unseen.coverage()));
      }
      if (bounds) {
        sure(calibration.wanted(), best);
      }
    }
  }

  private void sure(double wanted, Outcome best) {
    double atLeast = Calibration.atLeast(best.knownRight(), best.named());
    line(
        "  so many labels show at least %s with a confidence of 95 %%%s",
        percent(atLeast),
        atLeast >= wanted
            ? ""
            : "; it takes %d labels without an error, or more, to show %s"
                .formatted(Calibration.enough(wanted), given(wanted)));
  }

  private void unreachable(String scope, Calibration calibration) {
    line(
        "%s right labels%s cannot be reached by threshold and margin",
        given(calibration.wanted()), scope);
    Outcome most = calibration.mostPrecise();
    line(
        most == null
            ? "  no query was named rightly"
            : "  the most is %s, with threshold %s and margin %s: it names %s of the known rightly",
        most == null ? "" : percent(most.precision()),
        most == null ? "" : setting(most.threshold()),
        most == null ? "" : setting(most.margin()),
        most == null ? "" : percent(most.coverage()));
  }

  private void leftOut() {
    LeftOut leftOut = evaluation.leftOut();
    if (leftOut == null) {
      return;
    }
    Shares shares = leftOut.shares();
    line("");
    line(
        "%s of the products left out of the gallery, mean of %d draws, at the settings of now",
        given(leftOut.share()), leftOut.draws());
    line(
        "  of known ones: %s named rightly, %s UNKNOWN",
        percent(shares.knownRight()), percent(shares.knownUnknown()));
    line(
        "  of those left out: %s UNKNOWN, %s taken for a product; area under the curve %.4f",
        percent(shares.strangersUnknown()),
        percent(shares.strangersNamed()),
        leftOut.openSet().areaUnderCurve());
    Outcome now =
        leftOut.openSet().byThreshold().stream()
            .filter(o -> o.threshold() <= report.settings().threshold())
            .reduce((a, b) -> b)
            .orElseThrow();
    calibrations(" where these occur too", leftOut.calibrations(), now, false);
  }
}
