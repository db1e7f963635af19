package io.shelfstream.recognition;

import io.shelfstream.events.ImageReference;
import io.shelfstream.gallery.PhotoFilter;
import java.util.HashMap;
import java.util.Map;

/**
 * Which photos a frame is compared with, as the frame's storeId and attributes say.
 *
 * @param photoAttributes key: {@value #STORE_ID} or an attribute of the frame; value: the attribute
 *     of photos that must list the same value
 */
public record FrameFilters(Map<String, String> photoAttributes) {

  static final FrameFilters NONE = new FrameFilters(Map.of());

  private static final String STORE_ID = "storeId";

  public FrameFilters {
    photoAttributes = Map.copyOf(photoAttributes);
  }

  /** A frame without a value is not restricted by it. */
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
