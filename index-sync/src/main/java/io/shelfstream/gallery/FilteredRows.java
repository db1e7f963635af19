package io.shelfstream.gallery;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;

/**
 * The rows of a segment that a filter allows, a bit a row. A row's product and attributes never
 * change (a photo with others is stored anew), so bits are only added as rows come, by the first
 * search that sees them.
 */
final class FilteredRows {

  private final PhotoFilter filter;
  private final LongBuffer bits;
  private int known;

  FilteredRows(PhotoFilter filter, int capacity) {
    this.filter = filter;
    this.bits =
        ByteBuffer.allocateDirect(Math.max(1, (capacity + Long.SIZE - 1) / Long.SIZE) * Long.BYTES)
            .order(ByteOrder.nativeOrder())
            .asLongBuffer();
  }

  /** The bits of at least so many rows; later ones may follow and mean nothing to the caller. */
  synchronized LongBuffer upTo(int rows, LiveSegment segment) {
    while (known < rows) {
      int end = Math.min(rows, (known / Long.SIZE + 1) * Long.SIZE);
      int word = known / Long.SIZE;
      long value = bits.get(word);
      for (; known < end; known++) {
        if (filter.allows(segment.entry(known))) {
          value |= 1L << known;
        }
      }
      bits.put(word, value);
    }
    return bits;
  }
}
