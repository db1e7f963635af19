package io.shelfstream.gallery;

import io.shelfstream.index.Segment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;

/**
 * Moves the live photos of some segments to new ones. Planned and finished under the gallery's
 * write lock, carried out beside searches and changes.
 */
final class Compaction {

  /**
   * Vectors that lists are trained on; at some hundred lists as many for each as Faiss asks for.
   */
  private static final int MOST_SAMPLES = 65_536;

  private final Generation generation;
  private final IndexPolicy.Plan plan;
  private final int dimension;
  private final List<LivePart> parts;
  private final List<LiveSegment> made = new ArrayList<>();
  private final long start = System.nanoTime();
  private OptionalDouble recall = OptionalDouble.empty();

  /**
   * Notes what is live now.
   *
   * @param generation held by the caller until the new segments are shown or discarded
   */
  Compaction(Generation generation, IndexPolicy.Plan plan) {
    this.generation = generation;
    this.plan = plan;
    this.dimension = generation.open().vectors().dimension();
    this.parts = LivePart.of(plan.from());
  }

  Generation generation() {
    return generation;
  }

  List<LiveSegment> from() {
    return plan.from();
  }

  List<LiveSegment> made() {
    return made;
  }

  CompactionReport report() {
    return new CompactionReport(
        LivePart.rows(parts),
        plan.type().name(),
        recall,
        Duration.ofNanos(System.nanoTime() - start));
  }

  /**
   * Fills the new segments.
   *
   * @return false when it was called off before the end: nothing is left over then
   */
  boolean run(BooleanSupplier calledOff) {
    try {
      if (plan.type().isFlat()) {
        fillBlocks(calledOff);
      } else if (!parts.isEmpty()) {
        fillIndex(calledOff);
      }
    } catch (RuntimeException e) {
      discard();
      throw e;
    }
    if (calledOff.getAsBoolean()) {
      discard();
      return false;
    }
    return true;
  }

  private void fillBlocks(BooleanSupplier calledOff) {
    int capacity = LiveSegment.blockRows(dimension);
    List<LivePart> next = new ArrayList<>();
    for (LivePart part : parts) {
      if (LivePart.rows(next) + part.positions().length > capacity) {
        fill(Segment.block(dimension, LivePart.rows(next)), next, calledOff);
        next.clear();
      }
      next.add(part);
    }
    if (!next.isEmpty()) {
      fill(Segment.block(dimension, LivePart.rows(next)), next, calledOff);
    }
  }

  private void fillIndex(BooleanSupplier calledOff) {
    LiveSegment like = plan.like();
    if (like != null) {
      fill(like.vectors().like(LivePart.rows(parts)), parts, calledOff);
      return;
    }
    Segment index = trained();
    fill(index, parts, calledOff);
    if (!calledOff.getAsBoolean()) {
      recall = Recall.of(index, plan.type(), LivePart.rows(parts)).tune();
    }
  }

  private Segment trained() {
    int room = LiveSegment.roomFor(LivePart.rows(parts), plan.type());
    Segment index = Segment.index(plan.type(), dimension, room);
    try (Segment sample = sample()) {
      index.trainFrom(sample);
      return index;
    } catch (RuntimeException e) {
      index.close();
      throw e;
    }
  }

  private void fill(Segment target, List<LivePart> rows, BooleanSupplier calledOff) {
    Photo[] photos = new Photo[target.capacity()];
    made.add(LiveSegment.filled(target, photos, LivePart.rows(rows), plan.type()));
    int at = 0;
    for (LivePart part : rows) {
      if (calledOff.getAsBoolean()) {
        return;
      }
      target.appendFrom(part.from().vectors(), part.positions());
      for (int position : part.positions()) {
        photos[at++] = part.from().photo(position);
      }
    }
  }

  /** Every so many-th row, of all segments alike. */
  private Segment sample() {
    int all = LivePart.rows(parts);
    int step = (all + MOST_SAMPLES - 1) / MOST_SAMPLES;
    Segment sample = Segment.block(dimension, all / step + parts.size());
    for (LivePart part : parts) {
      int[] some = new int[(part.positions().length + step - 1) / step];
      Arrays.setAll(some, i -> part.positions()[i * step]);
      sample.appendFrom(part.from().vectors(), some);
    }
    return sample;
  }

  /** Frees the new segments, which nobody has seen. */
  void discard() {
    made.forEach(segment -> segment.vectors().close());
    made.clear();
  }
}
