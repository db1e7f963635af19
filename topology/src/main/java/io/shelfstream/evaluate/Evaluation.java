package io.shelfstream.evaluate;

import io.shelfstream.evaluate.Decisions.Outcome;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.DoubleStream;
import org.jspecify.annotations.Nullable;

/**
 * How good a gallery and models are, by what queries were taken for.
 *
 * @param figures of all queries of known products
 * @param asPaddleClas the same as PaddleClas's programs would average them
 * @param products figures of each product that was asked for, the worst first
 * @param answers one a query, in their order
 * @param ignoredPairs pairs of query and gallery photo that were not compared: of one camera, or
 *     one and the same photo
 * @param openSet shares by threshold, at the margin in use
 * @param now what becomes of the queries at the settings in use
 * @param calibrations one for each wanted precision
 * @param leftOut the same with products left out of the gallery; null when none were
 * @param shots figures with so many drawn photos a product, means of the draws
 */
public record Evaluation(
    Figures figures,
    Figures asPaddleClas,
    List<Product> products,
    List<Answer> answers,
    long ignoredPairs,
    OpenSet openSet,
    Outcome now,
    List<Calibration> calibrations,
    @Nullable LeftOut leftOut,
    Map<Integer, Figures> shots) {

  /**
   * Sums the answers up.
   *
   * @param galleryPhotos number of photos of each product
   */
  static Evaluation of(
      Settings settings,
      List<Answer> answers,
      Map<String, Integer> galleryPhotos,
      Figures asPaddleClas,
      long ignoredPairs,
      @Nullable LeftOut leftOut,
      Map<Integer, Figures> shots) {
    Calibration.Counts counts = new Calibration.Counts(settings.threshold(), settings.margin());
    Map<String, List<Answer>> byProduct = new TreeMap<>();
    for (int i = 0; i < answers.size(); i++) {
      Answer answer = answers.get(i);
      counts.add(i, answer.score(), answer.margin(), answer.isKnown(), answer.isRight());
      byProduct.computeIfAbsent(answer.query().label(), label -> new ArrayList<>()).add(answer);
    }
    List<Product> products = new ArrayList<>();
    byProduct.forEach(
        (label, those) ->
            products.add(product(label, galleryPhotos.getOrDefault(label, 0), those, settings)));
    int firstK = settings.ks().get(0);
    // NaN, of a product that is not in the gallery, is the largest double: these come last.
    products.sort(
        Comparator.<Product>comparingDouble(p -> p.figures().recallAt(firstK))
            .thenComparingDouble(p -> p.figures().meanAveragePrecision()));
    return new Evaluation(
        Figures.of(rankings(answers), settings.ks()),
        asPaddleClas,
        products,
        answers,
        ignoredPairs,
        OpenSet.of(counts.all, settings.margin()),
        counts.all.table().at(settings.threshold(), settings.margin()),
        Calibration.of(settings.precisions(), counts),
        leftOut,
        shots);
  }

  static List<@Nullable Ranking> rankings(List<Answer> answers) {
    List<@Nullable Ranking> rankings = new ArrayList<>(answers.size());
    answers.forEach(answer -> rankings.add(answer.ranking()));
    return rankings;
  }

  private static Product product(
      String label, int galleryPhotos, List<Answer> answers, Settings settings) {
    Map<String, Integer> takenFor = new HashMap<>();
    for (Answer answer : answers) {
      if (answer.taken() != null && !answer.isRight()) {
        takenFor.merge(answer.taken().label(), 1, Integer::sum);
      }
    }
    Map.Entry<String, Integer> most =
        takenFor.entrySet().stream()
            .min(
                Map.Entry.<String, Integer>comparingByValue()
                    .reversed()
                    .thenComparing(Map.Entry.comparingByKey()))
            .orElse(null);
    return new Product(
        label,
        galleryPhotos,
        answers.size(),
        Figures.of(rankings(answers), settings.ks()),
        most == null ? null : most.getKey(),
        most == null ? 0 : most.getValue());
  }

  /** Two products, and how many queries of the one were taken for the other. */
  public record Confusion(String label, String takenFor, int queries) {}

  /** Known products that were taken for another, the most frequent pair first. */
  public List<Confusion> confusions() {
    Map<List<String>, Integer> pairs = new TreeMap<>(Comparator.comparing(List::toString));
    for (Answer answer : answers) {
      if (answer.isKnown() && answer.taken() != null && !answer.isRight()) {
        pairs.merge(List.of(answer.query().label(), answer.taken().label()), 1, Integer::sum);
      }
    }
    return pairs.entrySet().stream()
        .map(pair -> new Confusion(pair.getKey().get(0), pair.getKey().get(1), pair.getValue()))
        .sorted(Comparator.comparingInt(Confusion::queries).reversed())
        .toList();
  }

  /**
   * Queries that were taken for another product with the highest scores, a pair of products once;
   * strangers among them.
   */
  public List<Answer> worst(int most) {
    Map<List<String>, Answer> pairs = new HashMap<>();
    for (Answer answer : answers) {
      if (answer.taken() != null && !answer.isRight()) {
        pairs.merge(
            List.of(answer.query().label(), answer.taken().label()),
            answer,
            (a, b) -> b.score() > a.score() ? b : a);
      }
    }
    return pairs.values().stream()
        .sorted(
            Comparator.comparing(Answer::score, Comparator.reverseOrder())
                .thenComparing(answer -> answer.query().id()))
        .limit(most)
        .toList();
  }

  /**
   * One product.
   *
   * @param galleryPhotos of it
   * @param queries that show it
   * @param takenFor what wrong ones were taken for most often; null when all are right
   * @param times how often
   */
  public record Product(
      String label,
      int galleryPhotos,
      int queries,
      Figures figures,
      @Nullable String takenFor,
      int times) {}

  /**
   * Known queries against strangers, whose product is not in the gallery.
   *
   * @param areaUnderCurve probability that a known one scores higher than a stranger; NaN where
   *     there are none of one kind
   * @param byThreshold what becomes of them, the lowest threshold first
   */
  public record OpenSet(double areaUnderCurve, List<Outcome> byThreshold) {

    static OpenSet of(Decisions decisions, float margin) {
      return new OpenSet(decisions.areaUnderCurve(), decisions.table().atEveryThreshold(margin));
    }
  }

  /**
   * What becomes of the queries when a share of the products, drawn by seeds, is missing in the
   * gallery: their queries are strangers.
   *
   * @param shares means over the draws, at the settings in use
   * @param openSet of all draws together
   */
  public record LeftOut(
      double share, int draws, Shares shares, OpenSet openSet, List<Calibration> calibrations) {}

  /**
   * Shares of known queries, and of strangers; NaN where there are none.
   *
   * @param knownRight that get their own label
   * @param knownUnknown that score below the threshold
   * @param strangersUnknown that score below the threshold
   * @param strangersNamed that get a label
   */
  public record Shares(
      double knownRight, double knownUnknown, double strangersUnknown, double strangersNamed) {

    static Shares of(Outcome outcome) {
      return new Shares(
          (double) outcome.knownRight() / outcome.known(),
          (double) outcome.knownBelow() / outcome.known(),
          (double) outcome.strangersBelow() / outcome.strangers(),
          (double) outcome.strangersNamed() / outcome.strangers());
    }

    /** Each share over those draws that have it. */
    static Shares mean(List<Shares> several) {
      return new Shares(
          mean(several.stream().mapToDouble(Shares::knownRight)),
          mean(several.stream().mapToDouble(Shares::knownUnknown)),
          mean(several.stream().mapToDouble(Shares::strangersUnknown)),
          mean(several.stream().mapToDouble(Shares::strangersNamed)));
    }

    private static double mean(DoubleStream shares) {
      return shares.filter(share -> !Double.isNaN(share)).average().orElse(Double.NaN);
    }
  }
}
