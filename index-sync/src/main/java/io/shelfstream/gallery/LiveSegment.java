package io.shelfstream.gallery;

import io.shelfstream.index.IndexType;
import io.shelfstream.index.Segment;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A segment and the photos in it, position by position. Lives as long as a {@link Generation} lists
 * it. Changes belong to whoever holds the gallery's write lock.
 */
final class LiveSegment {

  private static final RestoredMetadata[] NONE = {};

  private static final int MOST_FILTERS = 128;

  /** A row in so many is dead: then the live ones are worth moving. */
  private static final int DEAD_SHARE = 5;

  private static final VarHandle PHOTOS = MethodHandles.arrayElementVarHandle(Photo[].class);

  private final Segment vectors;

  /** Null for a photo of a snapshot that nobody has asked for. */
  private final @Nullable Photo[] photos;

  /** Their metadata in the snapshot, by chunk. */
  private final RestoredMetadata[] metadata;

  /** When they came into the gallery. */
  private final long restoredAt;

  private final IndexType type;
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
    return new LiveSegment(
        Segment.block(dimension, capacity), new Photo[capacity], IndexType.FLAT, 0, NONE, 0);
  }

  /**
   * A segment that holds rows already.
   *
   * @param photos one a row, and room for what is appended later
   */
  static LiveSegment filled(Segment vectors, Photo[] photos, int rows, IndexType type) {
    return new LiveSegment(vectors, photos, type, rows, NONE, 0);
  }

  /**
   * A segment of a snapshot.
   *
   * @param metadata by chunk; may still be filled by the caller
   * @param sequence of the change that brings its photos into the gallery
   */
  static LiveSegment restored(
      Segment vectors, int rows, IndexType type, RestoredMetadata[] metadata, long sequence) {
    return new LiveSegment(vectors, new Photo[vectors.capacity()], type, rows, metadata, sequence);
  }

  /**
   * Room of a new segment for some rows: an index that grows takes new ones until it is rebuilt.
   */
  static int roomFor(int rows, IndexType type) {
    return type.grows() ? rows + rows / 4 + 1024 : rows;
  }

  private LiveSegment(
      Segment vectors,
      @Nullable Photo[] photos,
      IndexType type,
      int rows,
      RestoredMetadata[] metadata,
      long restoredAt) {
    this.vectors = vectors;
    this.photos = photos;
    this.type = type;
    this.rows = rows;
    this.trainedRows = rows;
    this.metadata = metadata;
    this.restoredAt = restoredAt;
  }

  /** Rows of a full block of this dimension. */
  int blockRows() {
    return blockRows(vectors.dimension());
  }

  Segment vectors() {
    return vectors;
  }

  /** Faiss factory string. */
  IndexType type() {
    return type;
  }

  /** Bytes of its vectors, dead ones included. */
  long bytes() {
    return rows * type.bytesOf(vectors.dimension());
  }

  /** Photos that it takes in some milliseconds, while changes wait. */
  int takenAtOnce() {
    // A list of a photo is looked up in some 0.05 ms, its neighbours in a graph in ten times that.
    return type.isPlainGraph() ? 2 : 16;
  }

  /** Whether it is an index that takes new photos. */
  boolean grows() {
    return type.grows();
  }

  boolean isBlock() {
    return type.isFlat();
  }

  /** Read by searches, for positions that their snapshot covers. */
  Photo photo(int position) {
    Photo photo = (Photo) PHOTOS.getAcquire(photos, position);
    return photo == null ? restored(position, restored(position)) : photo;
  }

  // Several searches may ask at once: one object of a photo counts.
  private Photo restored(int position, RestoredMetadata of) {
    int within = withinChunk(position);
    Photo photo =
        Photo.restored(of.fingerprint(within), of.entry(within), restoredAt, this, position);
    Photo before = (Photo) PHOTOS.compareAndExchange(photos, position, null, photo);
    return before == null ? photo : before;
  }

  /** Metadata of a photo as it is now. */
  GalleryEntry entry(int position) {
    Photo photo = (Photo) PHOTOS.getAcquire(photos, position);
    return photo == null ? restored(position).entry(withinChunk(position)) : photo.entry();
  }

  /** Writes the metadata of a photo as it was after a change, when it was in the gallery. */
  void writeMetadata(int position, long sequence, MetadataWriter to) throws IOException {
    Photo photo = (Photo) PHOTOS.getAcquire(photos, position);
    if (photo == null) {
      restored(position).writeMetadata(withinChunk(position), to);
    } else {
      to.add(photo.entry(sequence), photo.embedding());
    }
  }

  /** Metadata of a photo, with others of its chunk, as its snapshot has it. */
  RestoredMetadata restored(int position) {
    return metadata[position / SnapshotFile.CHUNK];
  }

  static int withinChunk(int position) {
    return position % SnapshotFile.CHUNK;
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
    return IntStream.range(0, rows).filter(this::isLive).toArray();
  }

  // One that nobody has asked for was not marked deleted, either.
  private boolean isLive(int position) {
    Photo photo = (Photo) PHOTOS.getAcquire(photos, position);
    return photo == null || photo.isLive();
  }

  boolean isFull() {
    return rows == photos.length;
  }

  boolean isMuchDead() {
    return dead > 0 && (long) dead * DEAD_SHARE >= rows;
  }

  /** Appends a photo; nothing changed when it throws. */
  Photo append(VectorRecord record, long sequence) {
    vectors.append(FloatBuffer.wrap(record.embedding()));
    Photo photo = new Photo(record.fingerprint(), record.entry(), sequence, this, rows);
    PHOTOS.setRelease(photos, rows, photo);
    rows++;
    return photo;
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
      photo(i).moveTo(this, i);
    }
  }

  void markDeleted(int position, long sequence) {
    vectors.markDeleted(position, sequence);
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
