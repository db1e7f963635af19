package io.shelfstream.recognition;

import io.shelfstream.events.MatchStatus;
import io.shelfstream.gallery.GalleryHit;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The decision on one object.
 *
 * @param candidates the best photo of each product, best first; empty when the gallery is
 */
public record Match(MatchStatus status, List<GalleryHit> candidates) {

  public Match {
    candidates = List.copyOf(candidates);
  }

  /** The best candidate, close enough or not; null when the gallery is empty. */
  public @Nullable GalleryHit best() {
    return candidates.isEmpty() ? null : candidates.get(0);
  }

  /** The best candidate when it is close enough; null when the object is UNKNOWN. */
  public @Nullable GalleryHit known() {
    return isKnown() ? best() : null;
  }

  /** Score of the best product less that of the second; null when there is no second. */
  public @Nullable Float margin() {
    return candidates.size() < 2 ? null : candidates.get(0).score() - candidates.get(1).score();
  }

  public boolean isKnown() {
    return status != MatchStatus.UNKNOWN;
  }
}
