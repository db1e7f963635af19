package io.shelfstream.gallery;

import io.shelfstream.index.Neighbor;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Turns neighbours into gallery photos, in an order that does not depend on the order in which they
 * came into the index: two instances, or one before and after a restart, answer alike.
 *
 * <p>An index picks at will among photos that tie at the k-th place. So a few more neighbours than
 * k are asked for, and twice as many again while these do not settle it.
 */
public final class NearestPhotos {

  /** Covers the usual doubled photo without a second search. */
  private static final int SLACK = 4;

  /** Where the settling of ties ends: a gallery of one photo in a thousand copies. */
  private static final int MOST_FOR_TIES = 1024;

  /**
   * Where the asking for more photos ends if the second product can be searched by itself, which
   * takes a look at the metadata of all photos the first time.
   */
  private static final int MOST_OF_ONE_PRODUCT = 4096;

  /** Most that an index gives. */
  private static final int MOST_NEIGHBORS = 1 << 20;

  private static final Comparator<GalleryHit> BEST_FIRST =
      Comparator.comparingDouble(GalleryHit::score)
          .reversed()
          .thenComparing(hit -> hit.entry().galleryImageId());

  private final Source index;

  /** What is searched; it does not change meanwhile. */
  public interface Source {
    int dimension();

    /** Vectors that a search can find. */
    long size();

    /** As {@link io.shelfstream.index.VectorIndex#search} does. */
    Neighbor[][] search(FloatBuffer queries, int k);

    /** The photo of a neighbour. */
    GalleryEntry entry(long id);

    /**
     * The photos of all products but one. Null where asking for more neighbours finds them as well:
     * an index that looks at all vectors, or one that cannot be filtered.
     */
    @Nullable Source without(String productId);
  }

  public NearestPhotos(Source index) {
    this.index = index;
  }

  /**
   * Gives for each embedding up to k photos, best first, ties by galleryImageId.
   *
   * @param products as {@link ProductSearch#search} has it
   */
  public List<List<GalleryHit>> find(List<float[]> embeddings, int k, int products) {
    if (k < 1 || products < 1 || products > 2) {
      throw new IllegalArgumentException(
          "%d photos of %d products refused: 1 or more, of 1 or 2, expected"
              .formatted(k, products));
    }
    if (embeddings.isEmpty()) {
      return List.of();
    }
    requireDimension(embeddings);
    int wanted = atMostAll((long) k + SLACK);
    Neighbor[][] neighbors = index.search(packed(embeddings), wanted);
    List<List<GalleryHit>> found = new ArrayList<>(neighbors.length);
    for (int i = 0; i < neighbors.length; i++) {
      found.add(settle(embeddings.get(i), neighbors[i], k, products, wanted));
    }
    return found;
  }

  private List<GalleryHit> settle(
      float[] embedding, Neighbor[] first, int k, int products, int asked) {
    Neighbor[] seen = first;
    int wanted = asked;
    List<GalleryHit> hits = photos(seen);
    // Fewer than asked for: the index has no more, or a graph search reaches no more.
    while (wanted < atMostAll(Long.MAX_VALUE)
        && seen.length == wanted
        && !isSettled(hits, seen, k, products)) {
      if (wanted >= MOST_OF_ONE_PRODUCT && restOf(hits, products) != null) {
        break;
      }
      wanted = atMostAll(2L * wanted);
      seen = index.search(FloatBuffer.wrap(embedding), wanted)[0];
      hits = photos(seen);
    }
    Source rest = restOf(hits, products);
    if (rest == null) {
      int last = Math.min(hits.size(), Math.max(k, runnerUp(hits) + 1));
      return List.copyOf(hits.subList(0, products == 1 ? Math.min(k, hits.size()) : last));
    }
    // Lists or a graph around the query hold photos of one product only.
    List<GalleryHit> all = new ArrayList<>(hits.subList(0, Math.min(k, hits.size())));
    all.addAll(new NearestPhotos(rest).find(List.of(embedding), 1, 1).get(0));
    all.sort(BEST_FIRST);
    return List.copyOf(all);
  }

  /** Where the second product is to be looked for, if it is wanted and not there. */
  private @Nullable Source restOf(List<GalleryHit> hits, int products) {
    return products == 1 || hits.isEmpty() || runnerUp(hits) >= 0
        ? null
        : index.without(hits.get(0).entry().productId());
  }

  /** The first photo of another product than the best; -1 when there is none. */
  private static int runnerUp(List<GalleryHit> hits) {
    for (int i = 1; i < hits.size(); i++) {
      if (!hits.get(i).entry().productId().equals(hits.get(0).entry().productId())) {
        return i;
      }
    }
    return -1;
  }

  // The last neighbour seen is worse than the last photo that counts, so nothing unseen can take
  // its place.
  private static boolean isSettled(List<GalleryHit> hits, Neighbor[] seen, int k, int products) {
    if (hits.size() < k) {
      return false;
    }
    int last = k - 1;
    if (products == 2) {
      int runnerUp = runnerUp(hits);
      if (runnerUp < 0) {
        return false;
      }
      last = Math.max(last, runnerUp);
    }
    return seen.length >= Math.max(last + 1 + SLACK, MOST_FOR_TIES)
        || seen[seen.length - 1].score() < hits.get(last).score();
  }

  private List<GalleryHit> photos(Neighbor[] neighbors) {
    List<GalleryHit> hits = new ArrayList<>(neighbors.length);
    for (Neighbor neighbor : neighbors) {
      hits.add(new GalleryHit(index.entry(neighbor.id()), neighbor.score()));
    }
    hits.sort(BEST_FIRST);
    return hits;
  }

  private int atMostAll(long wanted) {
    return (int) Math.max(1, Math.min(Math.min(wanted, MOST_NEIGHBORS), index.size()));
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
