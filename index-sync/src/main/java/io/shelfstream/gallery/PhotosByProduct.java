package io.shelfstream.gallery;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The photos of each product, in no order. Belongs to whoever holds the gallery's write lock. */
final class PhotosByProduct {

  private final Map<String, List<Photo>> products = new HashMap<>();

  void add(Photo photo) {
    List<Photo> photos =
        products.computeIfAbsent(photo.entry().productId(), p -> new ArrayList<>(2));
    photo.slot(photos.size());
    photos.add(photo);
  }

  /** Takes out a photo that was added and still says the same product. */
  void remove(Photo photo) {
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
