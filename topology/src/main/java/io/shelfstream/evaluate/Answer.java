package io.shelfstream.evaluate;

import io.shelfstream.image.PixelBox;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What one query was taken for.
 *
 * @param query the photo that was looked up
 * @param taken the nearest photo of the gallery; null when it was compared with none
 * @param margin score of that one less that of the nearest photo of another product; infinite when
 *     there is no other product
 * @param right the nearest photo of the right product; null when none was found
 * @param ranking where the right product stands; null for a stranger, whose product is not in the
 *     gallery
 * @param box the part of the query that was looked up; null for all of it
 */
public record Answer(
    Shown query,
    @Nullable Shown taken,
    float margin,
    @Nullable Shown right,
    @Nullable Ranking ranking,
    @Nullable PixelBox box) {

  /**
   * A photo.
   *
   * @param file null when only its name is known
   * @param score with the query, -1 to 1; 1 for the query itself
   */
  public record Shown(String id, String label, @Nullable Path file, float score) {
    static Shown of(EmbeddedPhoto photo, float score) {
      return new Shown(photo.id(), photo.label(), photo.file(), score);
    }
  }

  /** Whether the gallery holds the product, in a photo that this query may be compared with. */
  public boolean isKnown() {
    return ranking != null;
  }

  /** Whether the best photo shows the right product. */
  public boolean isRight() {
    return taken != null && taken.label().equals(query.label());
  }

  /** Score of the best photo; negative infinity when there was none. */
  public float score() {
    return taken == null ? Float.NEGATIVE_INFINITY : taken.score();
  }
}
