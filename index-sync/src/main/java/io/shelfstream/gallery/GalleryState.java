package io.shelfstream.gallery;

import java.util.Map;

/**
 * Which gallery answered.
 *
 * @param versions for each partition of the vectors topic, the offset + 1 of the last record
 *     applied
 * @param size photos in the index
 * @param indexType Faiss factory string
 */
public record GalleryState(Map<Integer, Long> versions, int size, String indexType) {

  public GalleryState {
    versions = Map.copyOf(versions);
  }

  /** One number for all partitions: grows with every record applied, 0 for an empty gallery. */
  public long version() {
    return versions.values().stream().mapToLong(Long::longValue).sum();
  }
}
