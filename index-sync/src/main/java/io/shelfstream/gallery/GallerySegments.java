package io.shelfstream.gallery;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The segments that the vectors of a gallery lie in: where the next one goes, what is worth a
 * compaction, and what a compaction has made. Belongs to whoever holds the gallery's write lock.
 */
final class GallerySegments {
  private final int dimension;
  private final IndexPolicy policy;
  private final Consumer<Generation> changed;
  private Generation generation;

  /**
   * One empty block.
   *
   * @param changed told of other segments with the same photos, before those that they replace are
   *     released
   */
  GallerySegments(int dimension, IndexPolicy policy, Consumer<Generation> changed) {
    this.dimension = dimension;
    this.policy = policy;
    this.changed = changed;
    this.generation = new Generation(List.of(LiveSegment.block(dimension)));
  }

  /** The segments of now; a new object whenever they change. */
  Generation generation() {
    return generation;
  }

  /** Stores a photo that is not there yet. */
  Photo append(VectorRecord record, long sequence) {
    if (generation.open().isFull()) {
      freezeOpenBlock();
    }
    return generation.open().append(record, sequence);
  }

  private void freezeOpenBlock() {
    List<LiveSegment> segments = new ArrayList<>(generation.frozen());
    segments.add(generation.open());
    segments.add(LiveSegment.block(dimension));
    replace(segments);
  }

  /** Goes on with these segments; the photos are the same. */
  private void replace(List<LiveSegment> segments) {
    Generation before = generation;
    generation = new Generation(segments);
    changed.accept(generation);
    before.release();
  }

  /** Takes segments that were read from a file in place of the empty block. */
  void restore(List<LiveSegment> read) {
    List<LiveSegment> segments = new ArrayList<>(read);
    segments.sort(Comparator.comparing(LiveSegment::grows));
    if (segments.isEmpty() || !segments.get(segments.size() - 1).grows()) {
      segments.add(LiveSegment.block(dimension));
    }
    replace(segments);
  }

  /** Whether photos are worth moving in the background. */
  boolean isWorkDue(int photos) {
    return policy.plan(generation, photos).isPresent() || blockToDrain().isPresent();
  }

  /** What is due to be compacted, its segments kept until it is finished or discarded. */
  Optional<Compaction> beginCompaction(int photos) {
    Optional<IndexPolicy.Plan> plan = policy.plan(generation, photos);
    if (plan.isEmpty()) {
      return Optional.empty();
    }
    if (plan.get().from().contains(generation.open())) {
      freezeOpenBlock();
    }
    generation.retain();
    return Optional.of(new Compaction(generation, plan.get()));
  }

  /** Goes on with what a compaction made, with all that was marked deleted since it began. */
  void finish(Compaction compaction) {
    compaction.made().forEach(LiveSegment::takePhotos);
    List<LiveSegment> segments = new ArrayList<>(generation.segments());
    segments.removeAll(compaction.from());
    // An index that takes new photos comes last, to be the open one.
    boolean grows = compaction.made().stream().anyMatch(LiveSegment::grows);
    segments.addAll(grows ? segments.size() : 0, compaction.made());
    replace(segments);
  }

  /** A block beside an index that takes new photos, which its photos are to be appended to. */
  Optional<LiveSegment> blockToDrain() {
    return IndexPolicy.blockToDrain(generation);
  }

  /** Goes on without a segment of which no photo is left. */
  void drop(LiveSegment empty) {
    replace(generation.segments().stream().filter(segment -> segment != empty).toList());
  }

  Gallery.Storage storage() {
    List<LiveSegment> segments = generation.segments();
    return new Gallery.Storage(
        segments.size(),
        segments.stream().mapToInt(LiveSegment::rows).sum(),
        segments.stream().mapToInt(LiveSegment::dead).sum(),
        segments.stream().mapToLong(LiveSegment::bytes).sum());
  }

  /** Frees what no search and no compaction uses. */
  void release() {
    generation.release();
  }
}
