package io.shelfstream.cli;

import io.shelfstream.client.GivenPhoto;
import io.shelfstream.client.GivenPhotos;
import io.shelfstream.client.OneLine;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.gallery.paddleclas.IndexDirectoryWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which photos are to leave an index directory.
 *
 * @param ids of photos
 * @param products whose photos all go; labels, as an index has them
 * @param listed photos of a list, by id with their label: both must be the same
 */
record IndexRemoval(Set<String> ids, Set<String> products, Map<String, String> listed) {

  static IndexRemoval of(
      List<String> ids, List<String> products, @Nullable Path list, @Nullable String delimiter)
      throws IOException {
    Map<String, String> listed = new HashMap<>();
    if (list != null) {
      for (GivenPhoto photo : GivenPhotos.read(List.of(list), null, delimiter).photos()) {
        listed.put(photo.id(), photo.label());
      }
    }
    return new IndexRemoval(new LinkedHashSet<>(ids), new LinkedHashSet<>(products), listed);
  }

  private boolean takes(GalleryEntry photo) {
    return ids.contains(photo.galleryImageId())
        || products.contains(photo.label())
        || photo.label().equals(listed.get(photo.galleryImageId()));
  }

  /** Returns 1 when something that was named is not in the index; the rest goes nevertheless. */
  int from(Path directory) throws IOException {
    try (IndexDirectoryWriter writer = IndexDirectoryWriter.change(directory)) {
      List<GalleryEntry> gone = writer.remove(this::takes);
      boolean isComplete = allIn(gone);
      if (gone.isEmpty()) {
        System.out.printf("removed 0; %s is as it was%n", directory);
      } else {
        int left = writer.finish();
        System.out.printf("removed %d; %s now has %d photos%n", gone.size(), directory, left);
      }
      return isComplete ? 0 : 1;
    }
  }

  private boolean allIn(List<GalleryEntry> gone) {
    Set<String> missingIds = new LinkedHashSet<>(ids);
    Set<String> missingProducts = new LinkedHashSet<>(products);
    Map<String, String> missingLines = new HashMap<>(listed);
    for (GalleryEntry photo : gone) {
      missingIds.remove(photo.galleryImageId());
      missingProducts.remove(photo.label());
      missingLines.remove(photo.galleryImageId(), photo.label());
    }
    missingIds.forEach(id -> warn("photo", id));
    missingProducts.forEach(product -> warn("product", product));
    if (!missingLines.isEmpty()) {
      Map.Entry<String, String> first = missingLines.entrySet().iterator().next();
      System.err.printf(
          "warning: %d photos of the list are not in the index under that label, such as '%s' with '%s'%n",
          missingLines.size(), OneLine.of(first.getKey()), OneLine.of(first.getValue()));
    }
    return missingIds.isEmpty() && missingProducts.isEmpty() && missingLines.isEmpty();
  }

  private static void warn(String what, String name) {
    System.err.printf("warning: %s '%s' is not in the index%n", what, OneLine.of(name));
  }
}
