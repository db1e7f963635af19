package io.shelfstream.gallery;

import io.shelfstream.index.Segment;
import java.nio.FloatBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/**
 * A segment and the photos in it, position by position. Lives as long as a {@link Generation} lists
 * it. Changes belong to whoever holds the gallery's write lock.
 */
final class LiveSegment {

  static final String EXACT = "Flat";

  /** A row in so many is dead: then the live ones are worth moving. */
  private static final int DEAD_SHARE = 5;

  private final Segment vectors;
  private final Photo[] photos;
  private final String type;
  private final AtomicInteger generations = new AtomicInteger();
  private int rows;
  private int dead;

  /** Memory of a block: few blocks to search, little to move when one is compacted. */
  private static final int BLOCK_BYTES = 32 << 20;

  /** Rows of a block. */
  static int blockRows(int dimension) {
    return Math.max(64, Math.min(16_384, BLOCK_BYTES / Float.BYTES / dimension));
  }

  /** A block, still empty. */
  static LiveSegment block(int dimension) {
    int capacity = blockRows(dimension);
    return new LiveSegment(Segment.block(dimension, capacity), new Photo[capacity], EXACT, 0);
  }

  /** A segment that is filled already. */
  static LiveSegment filled(Segment vectors, Photo[] photos, String type) {
    return new LiveSegment(vectors, photos, type, photos.length);
  }

  private LiveSegment(Segment vectors, Photo[] photos, String type, int rows) {
    this.vectors = vectors;
    this.photos = photos;
    this.type = type;
    this.rows = rows;
  }

  /** Rows of a full block of this dimension. */
  int blockRows() {
    return blockRows(vectors.dimension());
  }

  Segment vectors() {
    return vectors;
  }

  /** Faiss factory string. */
  String type() {
    return type;
  }

  boolean isBlock() {
    return type.equals(EXACT);
  }

  /** Read by searches, for positions that their snapshot covers. */
  Photo photo(int position) {
    return photos[position];
  }

  int rows() {
    return rows;
  }

  int dead() {
    return dead;
  }

  int live() {
    return rows - dead;
  }

  int[] livePositions() {
    return IntStream.range(0, rows).filter(i -> photos[i].isLive()).toArray();
  }

  boolean isFull() {
    return rows == photos.length;
  }

  boolean isMuchDead() {
    return dead > 0 && (long) dead * DEAD_SHARE >= rows;
  }

  /** Appends a photo; nothing changed when it throws. */
  Photo append(VectorRecord record, long since) {
    vectors.append(FloatBuffer.wrap(record.embedding()));
    Photo photo = new Photo(record.fingerprint(), record.entry(), since, this, rows);
    photos[rows] = photo;
    rows++;
    return photo;
  }

  /** Tells its photos that they lie here now. */
  void takePhotos() {
    for (int i = 0; i < rows; i++) {
      photos[i].moveTo(this, i);
    }
  }

  void bury(int position, long at) {
    vectors.bury(position, at);
    dead++;
  }

  void retain() {
    generations.incrementAndGet();
  }

  void release() {
    if (generations.decrementAndGet() == 0) {
      vectors.close();
    }
  }
}
