package io.shelfstream.evaluate;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * The figures of a set of queries: means over those of which the gallery holds a relevant photo. Of
 * no such query they are NaN.
 *
 * @param queries number of these
 * @param recall by k: share whose first k photos show the product at least once, 0 to 1
 * @param meanAveragePrecision mAP, 0 to 1
 * @param meanInverseNegativePenalty mINP, 0 to 1
 */
public record Figures(
    int queries,
    Map<Integer, Double> recall,
    double meanAveragePrecision,
    double meanInverseNegativePenalty) {

  /** Queries that PaddleClas takes together: its sim_block_size. */
  private static final int BLOCK = 64;

  public Figures {
    recall = new TreeMap<>(recall);
  }

  /**
   * The mean over all queries.
   *
   * @param rankings null for a query without a relevant photo; it does not count
   * @param ks numbers of photos to give the recall of
   */
  static Figures of(List<@Nullable Ranking> rankings, List<Integer> ks) {
    List<Ranking> counted = rankings.stream().filter(Objects::nonNull).toList();
    Map<Integer, Double> recall = new TreeMap<>();
    for (int k : ks) {
      recall.put(k, mean(counted, ranking -> ranking.first() <= k ? 1 : 0));
    }
    return new Figures(
        counted.size(),
        recall,
        mean(counted, Ranking::averagePrecision),
        mean(counted, Ranking::inverseNegativePenalty));
  }

  /**
   * The same as PaddleClas's tools/eval.py averages them: over blocks of 64 queries, each weighted
   * by its number of queries, those without a relevant photo among them. A block without any
   * relevant photo makes all of them NaN. Equal to {@link #of} when every query has one, except for
   * mINP: there PaddleClas counts the last rank from 0, so that a query whose only relevant photo
   * stands first makes it infinite.
   */
  static Figures asPaddleClas(List<@Nullable Ranking> rankings, List<Integer> ks) {
    List<Figures> blocks = new ArrayList<>();
    List<Double> weights = new ArrayList<>();
    for (int from = 0; from < rankings.size(); from += BLOCK) {
      List<@Nullable Ranking> block =
          rankings.subList(from, Math.min(rankings.size(), from + BLOCK));
      Figures figures = of(block, ks);
      double fromZero =
          mean(
              block.stream().filter(Objects::nonNull).toList(),
              ranking -> ranking.relevant() / (ranking.last() - 1.0));
      blocks.add(
          new Figures(figures.queries, figures.recall, figures.meanAveragePrecision, fromZero));
      weights.add((double) block.size() / rankings.size());
    }
    Map<Integer, Double> recall = new TreeMap<>();
    for (int k : ks) {
      recall.put(k, weighted(blocks, weights, block -> block.recallAt(k)));
    }
    return new Figures(
        blocks.stream().mapToInt(Figures::queries).sum(),
        recall,
        weighted(blocks, weights, Figures::meanAveragePrecision),
        weighted(blocks, weights, Figures::meanInverseNegativePenalty));
  }

  /** The mean of several: of draws of a gallery. */
  static Figures mean(List<Figures> several, List<Integer> ks) {
    Map<Integer, Double> recall = new TreeMap<>();
    for (int k : ks) {
      recall.put(k, mean(several, figures -> figures.recallAt(k)));
    }
    return new Figures(
        (int) Math.round(mean(several, Figures::queries)),
        recall,
        mean(several, Figures::meanAveragePrecision),
        mean(several, Figures::meanInverseNegativePenalty));
  }

  /** Recall among the first k photos; NaN for a k that was not asked for. */
  public double recallAt(int k) {
    return recall.getOrDefault(k, Double.NaN);
  }

  private static <T> double mean(List<T> of, ToDoubleFunction<T> value) {
    return of.stream().mapToDouble(value).sum() / of.size();
  }

  private static double weighted(
      List<Figures> blocks, List<Double> weights, ToDoubleFunction<Figures> value) {
    double sum = 0;
    for (int i = 0; i < blocks.size(); i++) {
      sum += weights.get(i) * value.applyAsDouble(blocks.get(i));
    }
    return sum;
  }
}
