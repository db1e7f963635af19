package io.shelfstream.gallery;

import io.shelfstream.index.Accelerator;
import io.shelfstream.index.IndexType;
import io.shelfstream.index.Neighbor;
import io.shelfstream.index.Segment;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The gallery after one change, as searches see it. Whoever searches it holds its generation.
 *
 * @param openRows rows of the open segment that were there
 * @param sequence number of that change
 * @param photos their number
 */
record GalleryView(
    Generation generation, int openRows, long sequence, int photos, Map<Integer, Long> versions) {

  /** The same gallery in other segments. */
  GalleryView in(Generation next) {
    return new GalleryView(next, next.open().rows(), sequence, photos, versions);
  }

  int dimension() {
    return generation.open().vectors().dimension();
  }

  /** Rows of one of its segments that were there. */
  int rowsOf(LiveSegment segment) {
    return segment == generation.open() ? openRows : segment.rows();
  }

  GalleryState state() {
    IndexType type =
        generation.segments().stream()
            .filter(segment -> !segment.isBlock())
            .findFirst()
            .map(LiveSegment::type)
            .orElse(IndexType.FLAT);
    return new GalleryState(versions, photos, type.name());
  }

  /**
   * The photos that a search may find.
   *
   * @param accelerator null: the CPU searches alone
   */
  NearestPhotos.Source photos(PhotoFilter filter, @Nullable Accelerator accelerator) {
    List<Segment.View> views = generation.views(openRows, filter);
    return new NearestPhotos.Source() {
      @Override
      public int dimension() {
        return GalleryView.this.dimension();
      }

      @Override
      public long size() {
        return photos;
      }

      @Override
      public Neighbor[][] search(FloatBuffer queries, int k) {
        return accelerator == null
            ? Segment.search(views, sequence, false, queries, k)
            : accelerator.search(views, sequence, queries, k);
      }

      @Override
      public GalleryEntry entry(long id) {
        return generation.segment(Segment.view(id)).photo(Segment.position(id)).entry(sequence);
      }

      @Override
      public NearestPhotos.@Nullable Source without(String productId) {
        boolean looksAtAll = generation.segments().stream().allMatch(LiveSegment::isBlock);
        return looksAtAll ? null : photos(filter.without(productId), accelerator);
      }
    };
  }
}
