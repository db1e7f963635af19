package io.shelfstream.gallery;

import io.shelfstream.index.Neighbor;
import io.shelfstream.index.Segment;
import java.nio.FloatBuffer;
import java.util.Map;

/**
 * The gallery of one moment. Whoever searches it holds its generation.
 *
 * @param openRows rows of the open segment that were there
 * @param asOf number of the last change
 * @param photos their number
 */
record Snapshot(
    Generation generation, int openRows, long asOf, int photos, Map<Integer, Long> versions)
    implements NearestPhotos.Source {

  /** The same gallery in other segments. */
  Snapshot in(Generation next) {
    return new Snapshot(next, next.open().rows(), asOf, photos, versions);
  }

  @Override
  public int dimension() {
    return generation.open().vectors().dimension();
  }

  @Override
  public long size() {
    return photos;
  }

  GalleryState state() {
    String type =
        generation.frozen().stream()
            .filter(segment -> !segment.isBlock())
            .findFirst()
            .map(LiveSegment::type)
            .orElse(LiveSegment.EXACT);
    return new GalleryState(versions, photos, type);
  }

  @Override
  public Neighbor[][] search(FloatBuffer queries, int k) {
    return Segment.search(generation.views(openRows), asOf, false, queries, k);
  }

  @Override
  public GalleryEntry entry(long id) {
    return generation.segment(Segment.view(id)).photo(Segment.position(id)).entry(asOf);
  }
}
