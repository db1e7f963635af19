package io.shelfstream.evaluate;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shelfstream.evaluate.Answer.Shown;
import io.shelfstream.evaluate.Decisions.Outcome;
import io.shelfstream.evaluate.Evaluation.LeftOut;
import io.shelfstream.evaluate.Evaluation.OpenSet;
import io.shelfstream.evaluate.Evaluation.Product;
import io.shelfstream.evaluate.Evaluation.Shares;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes a report as JSON, for programs. Shares are from 0 to 1, with all digits; null stands for
 * what is not a number, such as the mean of nothing, and for an infinite margin.
 */
public final class ReportJson {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  /** Thresholds are given in these steps. */
  private static final int STEPS_PER_UNIT = 100;

  private ReportJson() {}

  /** Writes the file, in UTF-8. */
  public static void write(Report report, Path file) throws IOException {
    Files.write(file, JSON.writeValueAsBytes(of(report)));
  }

  static ObjectNode of(Report report) {
    Evaluation evaluation = report.evaluation();
    ObjectNode json = NODES.objectNode();
    json.putObject("gallery")
        .put("source", report.gallery())
        .put("photos", report.galleryPhotos())
        .put("products", report.galleryProducts());
    json.putObject("queries")
        .put("source", report.queries())
        .put("photos", evaluation.answers().size())
        .put("products", evaluation.products().size())
        .put("notInGallery", evaluation.openSet().byThreshold().get(0).strangers());
    ArrayNode unreadable = json.putArray("unreadable");
    report
        .unreadable()
        .forEach(
            one -> unreadable.addObject().put("file", one.file().toString()).put("why", one.why()));
    ArrayNode notes = json.putArray("notes");
    report.notes().forEach(notes::add);
    json.put("extractor", report.extractor());
    json.put("detector", report.detector());
    json.put("ignoredPairs", evaluation.ignoredPairs());
    boolean lists = report.isOfPipeline();
    json.set("figures", figures(evaluation.figures(), lists));
    json.set("asPaddleClas", figures(evaluation.asPaddleClas(), lists));
    ObjectNode shots = json.putObject("shots");
    evaluation.shots().forEach((n, figures) -> shots.set(n.toString(), figures(figures, lists)));
    ArrayNode products = json.putArray("products");
    evaluation.products().forEach(product -> products.add(product(product, lists)));
    ArrayNode confusions = json.putArray("confusions");
    evaluation
        .confusions()
        .forEach(
            c ->
                confusions
                    .addObject()
                    .put("label", c.label())
                    .put("takenFor", c.takenFor())
                    .put("queries", c.queries()));
    json.set("now", outcome(evaluation.now()));
    json.set("calibrations", calibrations(evaluation.calibrations()));
    json.set("openSet", openSet(evaluation.openSet()));
    json.set("leftOut", leftOut(evaluation.leftOut()));
    ArrayNode answers = json.putArray("answers");
    evaluation.answers().forEach(answer -> answers.add(answer(answer)));
    return json;
  }

  private static ObjectNode figures(Figures figures, boolean ofLists) {
    ObjectNode json = NODES.objectNode().put("queries", figures.queries());
    figures.recall().forEach((k, share) -> put(json, "recall@" + k, share));
    if (!ofLists) {
      put(json, "mAP", figures.meanAveragePrecision());
      put(json, "mINP", figures.meanInverseNegativePenalty());
    }
    return json;
  }

  private static ObjectNode product(Product product, boolean ofLists) {
    ObjectNode json =
        NODES
            .objectNode()
            .put("label", product.label())
            .put("galleryPhotos", product.galleryPhotos())
            .put("photos", product.queries());
    json.setAll(figures(product.figures(), ofLists));
    return json.put("takenFor", product.takenFor()).put("times", product.times());
  }

  private static @Nullable ObjectNode outcome(@Nullable Outcome outcome) {
    if (outcome == null) {
      return null;
    }
    ObjectNode json =
        NODES
            .objectNode()
            .put("threshold", outcome.threshold())
            .put("margin", outcome.margin())
            .put("known", outcome.known())
            .put("knownRight", outcome.knownRight())
            .put("knownWrong", outcome.knownWrong())
            .put("knownUnknown", outcome.knownBelow())
            .put("strangers", outcome.strangers())
            .put("strangersNamed", outcome.strangersNamed())
            .put("strangersUnknown", outcome.strangersBelow());
    put(json, "precision", outcome.precision());
    put(json, "coverage", outcome.coverage());
    return json;
  }

  private static ArrayNode calibrations(List<Calibration> calibrations) {
    ArrayNode json = NODES.arrayNode();
    for (Calibration calibration : calibrations) {
      ObjectNode one = json.addObject().put("wanted", calibration.wanted());
      one.put("reached", calibration.best() != null);
      one.set("best", outcome(calibration.best()));
      one.set("thresholdAlone", outcome(calibration.thresholdAlone()));
      one.set("mostPrecise", outcome(calibration.mostPrecise()));
      one.set("otherHalf", outcome(calibration.unseen()));
    }
    return json;
  }

  private static ObjectNode openSet(OpenSet openSet) {
    ObjectNode json = NODES.objectNode();
    put(json, "areaUnderCurve", openSet.areaUnderCurve());
    ArrayNode points = json.putArray("byThreshold");
    for (Outcome outcome : openSet.byThreshold()) {
      float step = outcome.threshold() * STEPS_PER_UNIT;
      if (Math.abs(step - Math.round(step)) < 1e-3) {
        points.add(outcome(outcome));
      }
    }
    return json;
  }

  private static @Nullable ObjectNode leftOut(@Nullable LeftOut leftOut) {
    if (leftOut == null) {
      return null;
    }
    ObjectNode json =
        NODES.objectNode().put("share", leftOut.share()).put("draws", leftOut.draws());
    Shares shares = leftOut.shares();
    put(json, "knownRight", shares.knownRight());
    put(json, "knownUnknown", shares.knownUnknown());
    put(json, "strangersUnknown", shares.strangersUnknown());
    put(json, "strangersNamed", shares.strangersNamed());
    json.set("openSet", openSet(leftOut.openSet()));
    json.set("calibrations", calibrations(leftOut.calibrations()));
    return json;
  }

  private static ObjectNode answer(Answer answer) {
    ObjectNode json =
        NODES
            .objectNode()
            .put("query", answer.query().id())
            .put("label", answer.query().label())
            .put("known", answer.isKnown());
    Shown taken = answer.taken();
    json.put("takenFor", taken == null ? null : taken.label());
    json.put("galleryPhoto", taken == null ? null : taken.id());
    put(json, "score", answer.score());
    put(json, "margin", answer.margin());
    Shown right = answer.right();
    put(json, "rightScore", right == null ? Float.NaN : right.score());
    Ranking ranking = answer.ranking();
    if (ranking != null) {
      json.put("firstRank", ranking.first() == Integer.MAX_VALUE ? null : ranking.first());
      if (ranking.relevant() > 0) {
        json.put("lastRank", ranking.last())
            .put("relevant", ranking.relevant())
            .put("averagePrecision", ranking.averagePrecision());
      }
    }
    return json;
  }

  private static void put(ObjectNode json, String name, float value) {
    if (Float.isFinite(value)) {
      json.put(name, value);
    } else {
      json.putNull(name);
    }
  }

  private static void put(ObjectNode json, String name, double value) {
    if (Double.isFinite(value)) {
      json.put(name, value);
    } else {
      json.putNull(name);
    }
  }
}
