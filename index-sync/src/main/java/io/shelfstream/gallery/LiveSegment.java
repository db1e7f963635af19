package io.shelfstream.gallery;

import io.shelfstream.index.Segment;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/**
 * A segment and the photos in it, position by position. Lives as long as a {@link Generation} lists
 * it. Changes belong to whoever holds the gallery's write lock.
 */
final class LiveSegment {

  static final String EXACT = "Flat";

  private static final int MOST_FILTERS = 128;

  /** A row in so many is dead: then the live ones are worth moving. */
  private static final int DEAD_SHARE = 5;

  private final Segment vectors;
  private final Photo[] photos;
  private final String type;
  private final AtomicInteger generations = new AtomicInteger();

  /** Of the filters used last: 16 bytes a row at most, beside the 2 KB of its vector. */
  private final Map<PhotoFilter, FilteredRows> filtered =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<PhotoFilter, FilteredRows> eldest) {
          return size() > MOST_FILTERS;
        }
      };

  private final int trainedRows;
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

  /**
   * A segment that holds rows already.
   *
   * @param photos one a row, and room for what is appended later
   */
  static LiveSegment filled(Segment vectors, Photo[] photos, int rows, String type) {
    return new LiveSegment(vectors, photos, type, rows);
  }

  /**
   * Room of a new segment for some rows: an index that grows takes new ones until it is rebuilt.
   */
  static int roomFor(int rows, String type) {
    return Segment.grows(type) ? rows + rows / 4 + 1024 : rows;
  }

  private LiveSegment(Segment vectors, Photo[] photos, String type, int rows) {
    this.vectors = vectors;
    this.photos = photos;
    this.type = type;
    this.rows = rows;
    this.trainedRows = rows;
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

  /** Whether it is an index that takes new photos. */
  boolean grows() {
    return Segment.grows(type);
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

  /** Rows that were there when it was trained or filled. */
  int trainedRows() {
    return trainedRows;
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

  /** Says which photo lies at a position; its vector comes from a file. */
  void restore(int position, Fingerprint fingerprint, GalleryEntry entry, long since) {
    photos[position] = Photo.restored(fingerprint, entry, since, this, position);
  }

  /** The photos at the first so many positions. */
  List<Photo> photos(int count) {
    return Arrays.asList(photos).subList(0, count);
  }

  /** Which of the first rows a filter allows: see {@link Segment.View}. */
  LongBuffer allowed(PhotoFilter filter, int rows) {
    FilteredRows allowed;
    synchronized (filtered) {
      allowed = filtered.computeIfAbsent(filter, f -> new FilteredRows(f, photos.length));
    }
    return allowed.upTo(rows, this);
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
