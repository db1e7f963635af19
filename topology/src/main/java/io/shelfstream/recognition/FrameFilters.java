package io.shelfstream.recognition;

import io.shelfstream.events.ImageReference;
import io.shelfstream.gallery.PhotoFilter;
import java.util.HashMap;
import java.util.Map;

/**
 * What a frame says about the photos it is compared with.
 *
 * @param photoAttributes for {@value #STORE_ID} or a frame's attribute, the photos' attribute that
 *     must list the same value
 */
public record FrameFilters(Map<String, String> photoAttributes) {

  static final FrameFilters NONE = new FrameFilters(Map.of());

  private static final String STORE_ID = "storeId";

  public FrameFilters {
    photoAttributes = Map.copyOf(photoAttributes);
  }

  /** A frame that does not say a value is not restricted by it. */
  PhotoFilter of(ImageReference frame) {
    Map<String, String> wanted = new HashMap<>();
    photoAttributes.forEach(
        (said, listed) -> {
          String value =
              said.equals(STORE_ID) ? frame.getStoreId() : frame.getAttributes().get(said);
          if (value != null) {
            wanted.put(listed, value);
          }
        });
    return new PhotoFilter(wanted);
  }
}
