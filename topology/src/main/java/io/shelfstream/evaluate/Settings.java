package io.shelfstream.evaluate;

import java.util.List;

/**
 * What is evaluated.
 *
 * @param ks numbers of photos to give the recall of, each 1 or more
 * @param threshold match.threshold in use, and margin match.margin
 * @param withItself whether a query that is a photo of the gallery is compared with itself too
 * @param precisions wanted, each above 0 and below 1
 * @param leftOut share of the products that draws leave out, 0 to 1; 0 for no such draws
 * @param draws number of draws of each kind, 1 or more
 * @param shots numbers of photos a product of drawn galleries; empty for none
 */
public record Settings(
    List<Integer> ks,
    float threshold,
    float margin,
    boolean withItself,
    List<Double> precisions,
    double leftOut,
    int draws,
    List<Integer> shots) {

  public Settings {
    ks = ks.stream().distinct().sorted().toList();
    precisions = precisions.stream().distinct().sorted().toList();
    shots = shots.stream().distinct().sorted().toList();
  }

  /** The same with other numbers of photos. */
  public Settings withKs(List<Integer> others) {
    return new Settings(others, threshold, margin, withItself, precisions, leftOut, draws, shots);
  }
}
