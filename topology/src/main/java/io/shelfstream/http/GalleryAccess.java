package io.shelfstream.http;

import io.shelfstream.events.BoundingBox;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.gallery.GalleryEntry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The gallery as callers of the port see and change it. Calls block; each may throw {@link
 * RefusedException}. Safe for several threads.
 */
public interface GalleryAccess {

  /** Changes with each change of the photos. */
  long version();

  /** Every photo, in the order of their ids. */
  List<GalleryEntry> entries();

  /**
   * Warnings about photos by their ids, also about some that are gone; empty where none are made.
   */
  default Map<String, List<String>> warnings() {
    return Map.of();
  }

  /**
   * The photo itself, as it was given.
   *
   * @param crop the part that shows the product; null for all of it
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Picture(byte[] encoded, @Nullable BoundingBox crop) {}

  /**
   * The picture of a photo; refused with the kind NOT_FOUND when it has none, or none that can be
   * read any more.
   */
  Picture picture(String galleryImageId);

  /**
   * A photo to add, or to put in the place of the one that has its id.
   *
   * @param encoded its bytes; null when uri says where it is
   * @param detect whether the detector is to find the product
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record NewPhoto(
      String galleryImageId,
      String productId,
      String label,
      @Nullable String gtin,
      byte @Nullable [] encoded,
      @Nullable String uri,
      @Nullable BoundingBox crop,
      boolean detect,
      Map<String, String> attributes) {}

  /** What is to change of a photo; what is null stays. */
  record Edit(
      @Nullable String productId,
      @Nullable String label,
      @Nullable String gtin,
      @Nullable BoundingBox crop,
      @Nullable Boolean detect,
      @Nullable Map<String, String> attributes) {}

  /**
   * What became of a change.
   *
   * @param status the last that is known; empty while nothing is
   * @param isSearchable whether searches see it
   */
  record Outcome(String galleryImageId, Optional<GalleryStatus> status, boolean isSearchable) {}

  /**
   * Adds a photo.
   *
   * @param wait how long to wait until searches see it; zero: not at all
   */
  Outcome add(NewPhoto photo, Duration wait);

  /** Changes what is known of a photo; refused with NOT_FOUND when there is none. */
  Outcome change(String galleryImageId, Edit edit, Duration wait);

  /** Removes a photo; one that is not there as well, as its addition may be on its way. */
  Outcome remove(String galleryImageId, Duration wait);

  /** Writes all photos with their vectors to an Avro file, as {@code gallery export} does. */
  void export(Path file) throws IOException;

  /**
   * What became of an import.
   *
   * @param published photos of the file
   * @param applied of these, empty when nobody waited
   * @param rejected of these, with the reasons, 100 at most
   */
  record Imported(int published, OptionalInt applied, List<String> rejected) {}

  /**
   * Takes in an Avro file that {@link #export} wrote.
   *
   * @param waits whether to wait for the answers
   */
  Imported load(Path file, boolean waits) throws IOException;
}
