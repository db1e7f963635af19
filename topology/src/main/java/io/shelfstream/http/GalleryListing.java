package io.shelfstream.http;

import io.shelfstream.gallery.GalleryEntry;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The photos of a gallery by id, kept until it changes. Safe for several threads. */
final class GalleryListing {
  private static final Comparator<GalleryEntry> BY_ID =
      Comparator.comparing(GalleryEntry::galleryImageId);

  private volatile Snapshot last = new Snapshot(null, -1, List.of());

  private record Snapshot(@Nullable GalleryAccess of, long version, List<GalleryEntry> entries) {}

  /**
   * A part of a list.
   *
   * @param total how long the list is
   */
  record Page<T>(int total, List<T> items) {
    static <T> Page<T> of(List<T> all, int offset, int limit) {
      int from = Math.min(offset, all.size());
      return new Page<>(all.size(), all.subList(from, from + Math.min(limit, all.size() - from)));
    }
  }

  /** A product and its photos. */
  record Product(String productId, String label, String gtin, int photos, String firstPhoto) {}

  private List<GalleryEntry> entries(GalleryAccess gallery) {
    Snapshot now = last;
    long version = gallery.version();
    if (now.of() != gallery || now.version() != version) {
      now = new Snapshot(gallery, version, gallery.entries());
      last = now;
    }
    return now.entries();
  }

  /**
   * Photos whose id, product, label or GTIN holds the text.
   *
   * @param product only of this product, when given
   */
  Page<GalleryEntry> photos(
      GalleryAccess gallery, String text, Optional<String> product, int offset, int limit) {
    Predicate<GalleryEntry> wanted = holds(text);
    List<GalleryEntry> found =
        text.isEmpty() && product.isEmpty()
            ? entries(gallery)
            : entries(gallery).stream()
                .filter(photo -> product.isEmpty() || product.get().equals(photo.productId()))
                .filter(wanted)
                .toList();
    return Page.of(found, offset, limit);
  }

  /** Products one of whose photos holds the text. */
  Page<Product> products(GalleryAccess gallery, String text, int offset, int limit) {
    Predicate<GalleryEntry> wanted = holds(text);
    TreeMap<String, Product> found = new TreeMap<>();
    for (GalleryEntry photo : entries(gallery)) {
      if (wanted.test(photo)) {
        found.merge(
            photo.productId(),
            new Product(
                photo.productId(),
                photo.label(),
                Objects.requireNonNullElse(photo.gtin(), ""),
                1,
                photo.galleryImageId()),
            (a, b) ->
                new Product(a.productId(), a.label(), a.gtin(), a.photos() + 1, a.firstPhoto()));
      }
    }
    return Page.of(List.copyOf(found.values()), offset, limit);
  }

  Optional<GalleryEntry> photo(GalleryAccess gallery, String id) {
    List<GalleryEntry> all = entries(gallery);
    int place = Collections.binarySearch(all, new GalleryEntry(id, "", "", null, Map.of()), BY_ID);
    return place < 0 ? Optional.empty() : Optional.of(all.get(place));
  }

  private static Predicate<GalleryEntry> holds(String text) {
    String wanted = text.toLowerCase(Locale.ROOT);
    return photo ->
        wanted.isEmpty()
            || holds(photo.galleryImageId(), wanted)
            || holds(photo.productId(), wanted)
            || holds(photo.label(), wanted)
            || (photo.gtin() != null && holds(photo.gtin(), wanted));
  }

  private static boolean holds(String text, String wanted) {
    return text.toLowerCase(Locale.ROOT).contains(wanted);
  }
}
