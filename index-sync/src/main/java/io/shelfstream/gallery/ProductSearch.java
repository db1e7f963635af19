package io.shelfstream.gallery;

import java.util.List;

/**
 * Looks embeddings up in a gallery: the live one, or one read from a file. Safe for several
 * threads.
 */
public interface ProductSearch {

  /**
   * Finds the photos nearest to each embedding.
   *
   * @param embeddings unit length, of the gallery's dimension
   * @param k photos wanted, 1 or more
   * @param filter which photos may be found
   * @return for each embedding up to k hits, best first
   */
  Result search(List<float[]> embeddings, int k, PhotoFilter filter);

  /** Searches all photos. */
  default Result search(List<float[]> embeddings, int k) {
    return search(embeddings, k, PhotoFilter.NONE);
  }

  /** The gallery as it stands now. */
  GalleryState state();

  /** What a search found, and the gallery it saw. */
  record Result(List<List<GalleryHit>> hits, GalleryState gallery) {}
}
