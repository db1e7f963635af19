package io.shelfstream.gallery;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which photos a search may find: for each attribute named here, those that list the value in
 * theirs (separated by commas), and those that do not have the attribute at all.
 *
 * @param values the wanted value of each attribute; empty for all photos
 * @param notProduct a product whose photos are passed over; null for none
 */
public record PhotoFilter(Map<String, String> values, @Nullable String notProduct) {

  /** Every photo. */
  public static final PhotoFilter NONE = new PhotoFilter(Map.of());

  public PhotoFilter {
    values = Map.copyOf(values);
  }

  public PhotoFilter(Map<String, String> values) {
    this(values, null);
  }

  /** The same without the photos of a product. */
  PhotoFilter without(String productId) {
    return new PhotoFilter(values, productId);
  }

  boolean isNone() {
    return values.isEmpty() && notProduct == null;
  }

  boolean allows(GalleryEntry photo) {
    if (photo.productId().equals(notProduct)) {
      return false;
    }
    for (Map.Entry<String, String> wanted : values.entrySet()) {
      String listed = photo.attributes().get(wanted.getKey());
      if (listed != null && !lists(listed, wanted.getValue())) {
        return false;
      }
    }
    return true;
  }

  private static boolean lists(String listed, String value) {
    for (int start = 0; start <= listed.length(); ) {
      int comma = listed.indexOf(',', start);
      int end = comma < 0 ? listed.length() : comma;
      if (listed.substring(start, end).strip().equals(value)) {
        return true;
      }
      start = end + 1;
    }
    return false;
  }
}
