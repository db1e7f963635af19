package io.shelfstream.gallery;

import io.shelfstream.index.Neighbor;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Turns neighbours into gallery photos, in an order that does not depend on the order in which they
 * came into the index: two instances, or one before and after a restart, answer alike.
 *
 * <p>An index picks at will among photos that tie at the k-th place. So a few more neighbours than
 * k are asked for, and twice as many again while these do not settle it.
 */
final class NearestPhotos {

  /** Covers the usual doubled photo without a second search. */
  private static final int SLACK = 4;

  /** Where the settling of ties ends: a gallery of one photo in a thousand copies. */
  private static final int MOST_FOR_TIES = 1024;

  private static final Comparator<GalleryHit> BEST_FIRST =
      Comparator.comparingDouble(GalleryHit::score)
          .reversed()
          .thenComparing(hit -> hit.entry().galleryImageId());

  private final Source index;

  /** What is searched; it does not change meanwhile. */
  interface Source {
    int dimension();

    /** Vectors that a search can find. */
    long size();

    /** As {@link io.shelfstream.index.VectorIndex#search} does. */
    Neighbor[][] search(FloatBuffer queries, int k);

    /** The photo of a neighbour. */
    GalleryEntry entry(long id);
  }

  NearestPhotos(Source index) {
    this.index = index;
  }

  /** Gives for each embedding up to k photos, best first, ties by galleryImageId. */
  List<List<GalleryHit>> find(List<float[]> embeddings, int k) {
    if (k < 1) {
      throw new IllegalArgumentException("k " + k + " refused: 1 or more photos expected");
    }
    requireDimension(embeddings);
    int wanted = atMostAll((long) k + SLACK);
    Neighbor[][] neighbors = index.search(packed(embeddings), wanted);
    List<List<GalleryHit>> found = new ArrayList<>(neighbors.length);
    for (int i = 0; i < neighbors.length; i++) {
      found.add(settle(embeddings.get(i), neighbors[i], k, wanted));
    }
    return found;
  }

  private List<GalleryHit> settle(float[] embedding, Neighbor[] first, int k, int asked) {
    Neighbor[] seen = first;
    int wanted = asked;
    List<GalleryHit> hits = photos(seen);
    // Fewer than asked for: the index has no more, or a graph search reaches no more.
    while (wanted < index.size() && seen.length == wanted && !isSettled(hits, seen, k)) {
      wanted = atMostAll(2L * wanted);
      seen = index.search(FloatBuffer.wrap(embedding), wanted)[0];
      hits = photos(seen);
    }
    hits.sort(BEST_FIRST);
    return List.copyOf(hits.subList(0, Math.min(k, hits.size())));
  }

  // The last neighbour seen is worse than the k-th photo, so nothing unseen can take its place.
  private static boolean isSettled(List<GalleryHit> hits, Neighbor[] seen, int k) {
    if (hits.size() < k) {
      return false;
    }
    return seen.length >= Math.max(k + SLACK, MOST_FOR_TIES)
        || seen[seen.length - 1].score() < hits.get(k - 1).score();
  }

  private List<GalleryHit> photos(Neighbor[] neighbors) {
    List<GalleryHit> hits = new ArrayList<>(neighbors.length);
    for (Neighbor neighbor : neighbors) {
      hits.add(new GalleryHit(index.entry(neighbor.id()), neighbor.score()));
    }
    return hits;
  }

  private int atMostAll(long wanted) {
    return (int) Math.max(1, Math.min(wanted, index.size()));
  }

  private void requireDimension(List<float[]> embeddings) {
    for (float[] embedding : embeddings) {
      if (embedding.length != index.dimension()) {
        throw new IllegalArgumentException(
            "dimension " + index.dimension() + " expected, got " + embedding.length);
      }
    }
  }

  private FloatBuffer packed(List<float[]> embeddings) {
    float[] packed = new float[Math.multiplyExact(embeddings.size(), index.dimension())];
    for (int i = 0; i < embeddings.size(); i++) {
      System.arraycopy(embeddings.get(i), 0, packed, i * index.dimension(), index.dimension());
    }
    return FloatBuffer.wrap(packed);
  }
}
