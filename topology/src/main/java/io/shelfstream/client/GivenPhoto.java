package io.shelfstream.client;

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
    String id, String label, @Nullable String gtin, Path file, @Nullable String camera) {

  /** A photo without a camera. */
  public GivenPhoto(String id, String label, @Nullable String gtin, Path file) {
    this(id, label, gtin, file, null);
  }
}
