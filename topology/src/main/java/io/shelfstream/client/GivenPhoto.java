package io.shelfstream.client;

import io.shelfstream.gallery.Gtin;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A photo of a product, as a list, a table or a folder gives it.
 *
 * @param id its path as written there; in a folder, its product and its path below that folder
 * @param label names the product
 * @param gtin of the product, as written, not checked yet; null when none is given
 * @param camera that took it, for an evaluation; null when none is given
 */
public record GivenPhoto(
    String id, Path file, String label, @Nullable String gtin, @Nullable String camera) {

  /** A photo without a GTIN and a camera. */
  public GivenPhoto(String id, Path file, String label) {
    this(id, file, label, null, null);
  }

  /**
   * The GTIN with 14 digits; null when none is given.
   *
   * @throws IllegalArgumentException when it is none
   */
  public @Nullable String normalisedGtin() {
    return gtin == null ? null : Gtin.normalise(gtin);
  }
}
