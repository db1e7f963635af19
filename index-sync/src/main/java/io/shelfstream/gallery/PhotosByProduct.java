package io.shelfstream.gallery;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The photos of each product, in no order; kept from the first question on, as many processes never
 * ask. Belongs to whoever holds the gallery's write lock.
 */
final class PhotosByProduct {

  private final Map<String, List<Photo>> products = new HashMap<>();
  private boolean kept;

  /** The first call takes in all photos; later ones do nothing. */
  void fill(Collection<Photo> photos) {
    if (!kept) {
      kept = true;
      photos.forEach(this::add);
    }
  }

  void add(Photo photo) {
    if (!kept) {
      return;
    }
    List<Photo> photos =
        products.computeIfAbsent(photo.entry().productId(), p -> new ArrayList<>(2));
    photo.slot(photos.size());
    photos.add(photo);
  }

  /** Takes out a photo that was added and still says the same product. */
  void remove(Photo photo) {
    if (!kept) {
      return;
    }
    String product = photo.entry().productId();
    List<Photo> photos = products.getOrDefault(product, List.of());
    Photo last = photos.remove(photos.size() - 1);
    if (last != photo) {
      photos.set(photo.slot(), last);
      last.slot(photo.slot());
    }
    if (photos.isEmpty()) {
      products.remove(product);
    }
  }

  List<Photo> of(String productId) {
    return products.getOrDefault(productId, List.of());
  }
}
