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
   * @param products 1; or 2 to go on beyond k photos until a second product is there, where the
   *     gallery has one: the nearest photo of the runner-up, however many the best product has
   * @param filter which photos may be found
   * @return for each embedding up to k hits, best first; more only when the second product is
   *     further away
   */
  Result search(List<float[]> embeddings, int k, int products, PhotoFilter filter);

  /** Searches k photos, whatever products they show. */
  default Result search(List<float[]> embeddings, int k, PhotoFilter filter) {
    return search(embeddings, k, 1, filter);
  }

  /** Searches all photos. */
  default Result search(List<float[]> embeddings, int k) {
    return search(embeddings, k, PhotoFilter.NONE);
  }

  /** The gallery as it stands now. */
  GalleryState state();

  /** What a search found, and the gallery it saw. */
  record Result(List<List<GalleryHit>> hits, GalleryState gallery) {}
}
