package io.shelfstream.gallery;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Some rows of a segment that were live when it was made: as many as are copied at once. */
@SuppressWarnings("ArrayRecordComponent") // Never compared.
record LivePart(LiveSegment from, int[] positions) {

  static final int MOST_ROWS = 1024;

  /** All live rows of these segments now; the caller holds the gallery's write lock. */
  static List<LivePart> of(List<LiveSegment> segments) {
    List<LivePart> parts = new ArrayList<>();
    for (LiveSegment segment : segments) {
      int[] live = segment.livePositions();
      for (int i = 0; i < live.length; i += MOST_ROWS) {
        int end = Math.min(i + MOST_ROWS, live.length);
        parts.add(new LivePart(segment, Arrays.copyOfRange(live, i, end)));
      }
    }
    return parts;
  }

  static int rows(List<LivePart> parts) {
    return parts.stream().mapToInt(part -> part.positions.length).sum();
  }
}
