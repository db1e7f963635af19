package io.shelfstream.recognition;

import io.shelfstream.events.MatchStatus;
import io.shelfstream.gallery.GalleryHit;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Decides what an object is, given the gallery photos that are nearest to it. The open-set decision
 * is made here: below the threshold an object is UNKNOWN, and two products closer to each other
 * than the margin make it AMBIGUOUS.
 *
 * @param threshold minimum inner product of a match, -1 to 1; equal counts as a match, as in the
 *     reference
 * @param margin minimum difference between the scores of the two best products; 0 switches
 *     AMBIGUOUS off
 * @param candidates most products to report for an object
 * @param photos gallery photos to fetch for an object before they are merged by product; at least
 *     candidates
 */
public record MatchPolicy(float threshold, float margin, int candidates, int photos) {

  public MatchPolicy {
    if (!(threshold >= -1 && threshold <= 1)) {
      throw new IllegalArgumentException(
          "match threshold expected within -1 to 1, got " + threshold);
    }
    if (!(margin >= 0 && margin <= 2)) {
      throw new IllegalArgumentException("match margin expected within 0 to 2, got " + margin);
    }
    if (candidates < 1 || photos < candidates) {
      throw new IllegalArgumentException(
          "candidates expected from 1 to the number of photos, got "
              + candidates
              + " of "
              + photos
              + " photos");
    }
  }

  /**
   * Products that a search has to find, however many photos the best one has: a margin needs two.
   */
  int products() {
    return margin > 0 ? 2 : 1;
  }

  /**
   * Decides one object.
   *
   * @param hits photos, best first; several may show one product
   */
  Match decide(List<GalleryHit> hits) {
    List<GalleryHit> products = bestPhotoOfEachProduct(hits);
    if (products.isEmpty()) {
      return new Match(MatchStatus.UNKNOWN, products);
    }
    float score = products.get(0).score();
    if (score < threshold) {
      return new Match(MatchStatus.UNKNOWN, products);
    }
    boolean contested = products.size() > 1 && score - products.get(1).score() < margin;
    return new Match(contested ? MatchStatus.AMBIGUOUS : MatchStatus.MATCH, products);
  }

  /** Hits come best first, so a product's first photo is its maximum. */
  private List<GalleryHit> bestPhotoOfEachProduct(List<GalleryHit> hits) {
    Set<String> seen = new HashSet<>();
    List<GalleryHit> products = new ArrayList<>(candidates);
    for (GalleryHit hit : hits) {
      if (products.size() < candidates && seen.add(hit.entry().productId())) {
        products.add(hit);
      }
    }
    return products;
  }
}
