package io.shelfstream.gallery;

import io.shelfstream.index.IndexType;
import io.shelfstream.index.Segment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Which index a gallery of some size is worth, and when its segments are worth a compaction. */
final class IndexPolicy {

  /** Decides by size. */
  static final String AUTO = "auto";

  /** Up to here comparing with every photo takes some 30 ms on one core (512 values, AVX-512). */
  static final int EXACT_UP_TO = 200_000;

  /** Fewer photos are compared one by one whatever the type: nothing is faster. */
  private static final int SMALLEST_INDEX = 1_000;

  /** Photos for each list, below which Faiss calls training too thin. */
  private static final int PHOTOS_PER_LIST = 39;

  /** Rows outside the index that are not worth moving yet. */
  private static final int FEW_ROWS = 256;

  /**
   * Rows that are compared one by one beside an index, as a share of it: 2000 of 100,000 take 0.25
   * ms on one core.
   */
  private static final int OPEN_SHARE = 50;

  /** Rows that came after an index was trained, as a share of it, that are worth doing it anew. */
  private static final int REBUILD_SHARE = 5;

  /** Null: decides by size. */
  private final @Nullable IndexType type;

  private final int leastPhotos;

  /**
   * What to move.
   *
   * @param type of the new segments
   * @param like an index whose training serves; null to train anew
   */
  record Plan(List<LiveSegment> from, IndexType type, @Nullable LiveSegment like) {}

  /**
   * @param type {@value #AUTO} or a Faiss factory string
   * @throws IllegalArgumentException when such an index cannot follow a gallery
   */
  static IndexPolicy of(String type, int dimension) {
    if (type.equals(AUTO)) {
      return new IndexPolicy(null, EXACT_UP_TO + 1);
    }
    IndexType chosen = IndexType.of(type);
    Segment.index(chosen, dimension, 1).close();
    int least = PHOTOS_PER_LIST * chosen.lists();
    return new IndexPolicy(chosen, Math.max(SMALLEST_INDEX, least));
  }

  private IndexPolicy(@Nullable IndexType type, int leastPhotos) {
    this.type = type;
    this.leastPhotos = leastPhotos;
  }

  /**
   * The type for a number of photos.
   *
   * @param indexed whether there is an index now: a gallery at the border keeps what it has
   */
  IndexType typeFor(int photos, boolean indexed) {
    if (photos < (indexed ? leastPhotos / 2 : leastPhotos)) {
      return IndexType.FLAT;
    }
    return type == null ? IndexType.ivf(lists(photos)) : type;
  }

  /** A power of two near the square root: as many lists to compare as rows in one of them. */
  private static int lists(int photos) {
    return 1 << (int) Math.round(Math.log(Math.sqrt(photos)) / Math.log(2));
  }

  /** What is worth moving now, or nothing. */
  Optional<Plan> plan(Generation generation, int photos) {
    LiveSegment index = largestIndex(generation);
    IndexType wanted = typeFor(photos, index != null);
    if (wanted.isFlat()) {
      return blocksOnly(generation);
    }
    List<LiveSegment> all = new ArrayList<>(generation.frozen());
    all.add(generation.open());
    if (index == null) {
      return Optional.of(new Plan(all, wanted, null));
    }
    long trained = index.trainedRows();
    long since = all.stream().mapToLong(LiveSegment::rows).sum() - trained;
    if (index.isMuchDead() || since * REBUILD_SHARE >= trained) {
      return Optional.of(new Plan(all, wanted, null));
    }
    return index.grows() ? Optional.empty() : beside(index, all);
  }

  /** Blocks whose photos belong into the index that takes new ones. */
  static Optional<LiveSegment> blockToDrain(Generation generation) {
    return generation.open().grows()
        ? generation.frozen().stream().filter(LiveSegment::isBlock).findFirst()
        : Optional.empty();
  }

  private static @Nullable LiveSegment largestIndex(Generation generation) {
    return generation.segments().stream()
        .filter(segment -> !segment.isBlock())
        .max(Comparator.comparingInt(LiveSegment::rows))
        .orElse(null);
  }

  /** Blocks with many dead rows are packed anew, and what is small goes with them. */
  private static Optional<Plan> blocksOnly(Generation generation) {
    List<LiveSegment> frozen = new ArrayList<>(generation.frozen());
    if (!generation.open().isBlock()) {
      frozen.add(generation.open());
    }
    if (frozen.stream().noneMatch(segment -> !segment.isBlock() || segment.isMuchDead())) {
      return Optional.empty();
    }
    List<LiveSegment> from =
        frozen.stream()
            .filter(s -> !s.isBlock() || s.isMuchDead() || s.live() * 2 < s.blockRows())
            .toList();
    return Optional.of(new Plan(from, IndexType.FLAT, null));
  }

  /** New photos go into a second, small index: to compare with each of them costs more. */
  private static Optional<Plan> beside(LiveSegment index, List<LiveSegment> all) {
    LiveSegment open = all.get(all.size() - 1);
    boolean due =
        all.subList(0, all.size() - 1).stream().anyMatch(LiveSegment::isBlock)
            || open.rows() >= Math.max(FEW_ROWS, index.rows() / OPEN_SHARE);
    List<LiveSegment> from = all.stream().filter(segment -> segment != index).toList();
    return due ? Optional.of(new Plan(from, index.type(), index)) : Optional.empty();
  }
}
