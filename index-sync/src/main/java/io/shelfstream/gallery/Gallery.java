package io.shelfstream.gallery;

import io.shelfstream.events.GalleryVector;
import io.shelfstream.index.Accelerator;
import io.shelfstream.index.IndexException;
import io.shelfstream.index.IndexType;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The live gallery: follows the records of the vectors topic and is searched meanwhile. A search
 * takes the view that the last change left and waits for nobody; changes take turns. What was
 * removed is not found by any search that begins after {@link #apply} returned.
 *
 * <p>Vectors lie in segments by position. A new one is appended to the open block, one that is
 * replaced or removed is only hidden; a thread in the background moves the live ones to new
 * segments when too many are dead or, with an approximate index, too many are not in it yet.
 *
 * <p>The last record of a photo decides, whatever its offset: reading the topic again from any
 * point ends with the same gallery.
 */
public final class Gallery implements ProductSearch, AutoCloseable {

  /** Enough of a product's photos to know what it looks like; some microseconds. */
  private static final int MOST_COMPARED = 32;

  private final String extractorId;
  private final int dimension;
  private final Compactor compactor;
  private final @Nullable DeviceCopies copies;

  /** Held by whoever changes anything below. */
  private final Lock writing = new ReentrantLock();

  private final GallerySegments segments;
  private final PhotosById photos = new PhotosById();
  private final PhotosByProduct byProduct = new PhotosByProduct();

  private Map<Integer, Long> covered = Map.of();
  private long sequence;
  private boolean closed;
  private volatile GalleryView current;
  private volatile boolean caughtUp;

  /**
   * An empty gallery.
   *
   * @param indexType {@code auto} decides by size: exact up to 200,000 photos, lists of neighbours
   *     (IVF) beyond; or a Faiss factory string of a type that keeps the vectors: Flat, SQfp16,
   *     HNSW or IVF of these. Until there are enough photos for it, search is exact
   * @param extractorId vectors of any other extractor are rejected
   * @throws IllegalArgumentException for any other type
   */
  public Gallery(String indexType, int dimension, String extractorId) {
    this(indexType, dimension, extractorId, null);
  }

  /**
   * An empty gallery that other devices help to search.
   *
   * @param accelerator closed by its owner, after this
   */
  public Gallery(
      String indexType, int dimension, String extractorId, @Nullable Accelerator accelerator) {
    this.extractorId = extractorId;
    this.dimension = dimension;
    this.segments =
        new GallerySegments(dimension, IndexPolicy.of(indexType, dimension), this::moved);
    this.current = new GalleryView(segments.generation(), 0, 0, 0, Map.of());
    this.compactor = new Compactor(this::beginCompaction, this::finish, this::drain);
    this.copies =
        accelerator == null ? null : new DeviceCopies(accelerator, () -> copyTo(accelerator));
  }

  /**
   * What a record did to the gallery.
   *
   * @param reason why it was rejected, with the value and the remedy; empty otherwise
   */
  public record Change(Kind kind, String reason) {

    /** Of a {@link Change}. */
    public enum Kind {
      /** The photo is new. */
      ADDED,
      /** The photo was there; its embedding or its metadata changed. */
      REPLACED,
      /** The photo is gone. */
      REMOVED,
      /** The gallery was so already. */
      UNCHANGED,
      /** The record cannot be used. What was known of the photo before stays in force. */
      REJECTED
    }

    static Change of(Kind kind) {
      return new Change(kind, "");
    }

    static Change rejected(String reason) {
      return new Change(Kind.REJECTED, reason);
    }

    public boolean rejected() {
      return kind == Kind.REJECTED;
    }
  }

  /**
   * What keeps any gallery, whatever its extractor and dimension, from using a record of the
   * vectors topic; empty when nothing does.
   */
  public static Optional<String> problem(@Nullable String galleryImageId, GalleryVector vector) {
    return VectorRecord.problem(
        galleryImageId, vector, vector.getDimension(), String.valueOf(vector.getExtractor()));
  }

  /**
   * Applies one record of the vectors topic. The version of its partition advances in any case.
   *
   * @param offset of the record
   * @param galleryImageId key of the record
   * @param vector value of the record; null removes the photo
   * @return what changed; a record that cannot be used is REJECTED and never thrown
   * @throws IndexException when the index itself fails or is closed
   */
  public Change apply(
      int partition, long offset, @Nullable String galleryImageId, @Nullable GalleryVector vector) {
    // Checked before the lock: searches need not wait for it.
    Optional<String> problem = VectorRecord.problem(galleryImageId, vector, dimension, extractorId);
    return changing(
        partition,
        offset,
        () -> {
          if (problem.isPresent()) {
            return Change.rejected(problem.get());
          }
          return vector == null
              ? takeOut(Objects.requireNonNull(galleryImageId))
              : put(VectorRecord.of(vector));
        });
  }

  /**
   * Applies a photo that comes from no topic. It counts as the next record of partition 0, so a
   * gallery follows a topic or takes these, not both.
   *
   * @throws IndexException as {@link #apply(int, long, String, GalleryVector)}
   */
  public Change apply(GalleryVector vector) {
    return applyNext(vector.getGalleryImageId(), vector);
  }

  /** Removes a photo, as {@link #apply(GalleryVector)} adds one. */
  public Change remove(String galleryImageId) {
    return applyNext(galleryImageId, null);
  }

  private Change applyNext(@Nullable String galleryImageId, @Nullable GalleryVector vector) {
    writing.lock();
    try {
      long next = current.versions().getOrDefault(0, 0L);
      return apply(0, next, galleryImageId, vector);
    } finally {
      writing.unlock();
    }
  }

  /**
   * Notes a record that could not even be decoded: the version advances, the gallery stays.
   *
   * @return REJECTED with the reason
   */
  public Change skip(
      int partition, long offset, @Nullable String galleryImageId, @Nullable String reason) {
    return changing(
        partition,
        offset,
        () ->
            Change.rejected("gallery vector '%s' rejected: %s".formatted(galleryImageId, reason)));
  }

  /**
   * Whether a record was applied before the snapshot that this gallery was read from: then it need
   * not be decoded.
   *
   * @param isThere whether it has a value
   */
  public boolean confirmIfCovered(
      int partition, long offset, String galleryImageId, boolean isThere) {
    writing.lock();
    try {
      boolean known = offset < covered.getOrDefault(partition, 0L);
      if (known && isThere) {
        photos.confirm(galleryImageId);
      }
      return known;
    } finally {
      writing.unlock();
    }
  }

  /**
   * The topic was read from its beginning to its end: photos of the snapshot that it no longer has
   * are removed. Their tombstones may be gone already, too.
   *
   * @return how many
   */
  public int caughtUp() {
    writing.lock();
    try {
      requireOpen();
      sequence++;
      List<String> gone = photos.unconfirmed();
      gone.forEach(this::takeOut);
      caughtUp = true;
      publish(current.versions());
      return gone.size();
    } finally {
      writing.unlock();
    }
  }

  /** Whether the topic was read to its end once; see {@link #caughtUp}. */
  public boolean isCaughtUp() {
    return caughtUp;
  }

  private Change changing(int partition, long offset, Supplier<Change> change) {
    writing.lock();
    try {
      requireOpen();
      sequence++;
      Change changed = change.get();
      publish(advanced(partition, offset));
      return changed;
    } finally {
      writing.unlock();
    }
  }

  private void publish(Map<Integer, Long> versions) {
    Generation generation = segments.generation();
    current =
        new GalleryView(generation, generation.open().rows(), sequence, photos.size(), versions);
    if (segments.isWorkDue(photos.size())) {
      compactor.request();
    }
    requestCopies();
  }

  /** The same photos lie in other segments. */
  private void moved(Generation generation) {
    current = current.in(generation);
    requestCopies();
  }

  private void requestCopies() {
    if (copies != null) {
      copies.request();
    }
  }

  private void copyTo(Accelerator accelerator) {
    GalleryView view = hold();
    try {
      for (LiveSegment segment : view.generation().segments()) {
        accelerator.follow(segment.vectors(), view.rowsOf(segment));
      }
    } finally {
      view.generation().release();
    }
  }

  private Map<Integer, Long> advanced(int partition, long offset) {
    Map<Integer, Long> versions = new HashMap<>(current.versions());
    versions.merge(partition, offset + 1, Math::max);
    return Map.copyOf(versions);
  }

  private Change put(VectorRecord record) {
    String key = record.entry().galleryImageId();
    Photo before = photos.get(key);
    if (before == null) {
      enter(key, append(record));
      return Change.of(Change.Kind.ADDED);
    }
    before.confirm();
    if (!before.embedding().equals(record.fingerprint())) {
      replace(key, before, record);
    } else if (before.entry().equals(record.entry())) {
      return Change.of(Change.Kind.UNCHANGED);
    } else {
      update(key, before, record);
    }
    return Change.of(Change.Kind.REPLACED);
  }

  private void enter(String key, Photo photo) {
    photos.put(key, photo);
    byProduct.add(photo);
  }

  private void update(String key, Photo before, VectorRecord record) {
    byProduct.remove(before);
    boolean updated = before.update(record.entry(), sequence);
    byProduct.add(before);
    if (!updated) {
      replace(key, before, record);
    }
  }

  // The new one first: when there is no memory for it, the old one is still there.
  private void replace(String key, Photo before, VectorRecord record) {
    Photo now = append(record);
    byProduct.remove(before);
    enter(key, now);
    before.markDeleted(sequence);
  }

  private Photo append(VectorRecord record) {
    return segments.append(record, sequence);
  }

  private Change takeOut(String key) {
    Photo before = photos.remove(key);
    if (before == null) {
      return Change.of(Change.Kind.UNCHANGED);
    }
    byProduct.remove(before);
    before.markDeleted(sequence);
    return Change.of(Change.Kind.REMOVED);
  }

  private Optional<Compaction> beginCompaction() {
    writing.lock();
    try {
      return closed ? Optional.empty() : segments.beginCompaction(photos.size());
    } finally {
      writing.unlock();
    }
  }

  private void finish(Compaction compaction) {
    writing.lock();
    try {
      if (closed) {
        compaction.discard();
      } else {
        segments.finish(compaction);
      }
    } finally {
      writing.unlock();
    }
  }

  /**
   * Puts some photos of a block that lies beside an index that takes new ones into it, as if they
   * had come anew.
   *
   * @return whether there was anything to do
   */
  private boolean drain() {
    writing.lock();
    try {
      Optional<LiveSegment> block = closed ? Optional.empty() : segments.blockToDrain();
      block.ifPresent(this::drain);
      return block.isPresent();
    } finally {
      writing.unlock();
    }
  }

  private void drain(LiveSegment block) {
    LiveSegment index = segments.generation().open();
    int[] live = Arrays.stream(block.livePositions()).limit(index.takenAtOnce()).toArray();
    if (live.length == 0) {
      segments.drop(block);
      return;
    }
    sequence++;
    FloatBuffer rows = block.vectors().copy(live);
    for (int position : live) {
      float[] embedding = new float[dimension];
      rows.get(embedding);
      GalleryEntry entry = block.entry(position);
      Photo photo = Objects.requireNonNull(photos.get(entry.galleryImageId()));
      Photo moved = append(new VectorRecord(entry, photo.embedding(), embedding));
      if (!photo.isConfirmed()) {
        moved.unconfirm();
      }
      byProduct.remove(photo);
      enter(entry.galleryImageId(), moved);
      photo.markDeleted(sequence);
    }
    publish(current.versions());
  }

  @Override
  public Result search(List<float[]> embeddings, int k, int products, PhotoFilter filter) {
    GalleryView view = hold();
    try {
      Accelerator accelerator = copies == null ? null : copies.accelerator();
      NearestPhotos nearest = new NearestPhotos(view.photos(filter, accelerator));
      return new Result(nearest.find(embeddings, k, products), view.state());
    } finally {
      view.generation().release();
    }
  }

  /** The current view, its segments kept until they are released. */
  private GalleryView hold() {
    while (true) {
      GalleryView view = current;
      if (view.generation().retain()) {
        return view;
      }
      if (view == current) {
        throw closed();
      }
    }
  }

  String extractorId() {
    return extractorId;
  }

  int dimension() {
    return dimension;
  }

  /** Writes the gallery as it is now; searches and changes go on meanwhile. */
  void save(Path file, String topicId) throws IOException {
    GalleryView view = hold();
    try {
      SnapshotWriter.write(file, view, topicId, extractorId);
    } finally {
      view.generation().release();
    }
  }

  /**
   * Fills this gallery, which must be empty, from a file.
   *
   * @throws IOException saying what is wrong with the file; the gallery is still empty then
   */
  void restore(FileChannel file, SnapshotFile.Header header) throws IOException {
    writing.lock();
    try {
      requireOpen();
      if (photos.size() > 0) {
        throw new IllegalStateException("a gallery that holds photos is not read from a file");
      }
      sequence++;
      SnapshotReader.Restored restored = new SnapshotReader(file, header, sequence).read();
      photos.restore(restored.photos());
      covered = header.versions();
      segments.restore(restored.segments());
      publish(covered);
    } finally {
      writing.unlock();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw closed();
    }
  }

  private static IndexException closed() {
    return new IndexException(IndexException.Code.CLOSED, "the gallery is closed");
  }

  @Override
  public GalleryState state() {
    return current.state();
  }

  /** The last compaction of this gallery, if there was one: what the present index is worth. */
  public Optional<CompactionReport> lastCompaction() {
    return Optional.ofNullable(compactor.last());
  }

  /**
   * Whether photos are being moved in the background; an approximate index is not at its best then.
   */
  public boolean isCompacting() {
    return compactor.isBusy();
  }

  /** Whether photos are being copied to devices in the background. */
  boolean isCopying() {
    return copies != null && copies.isBusy();
  }

  /**
   * What lies in memory.
   *
   * @param rows vectors, dead ones included
   * @param dead vectors that were replaced or removed
   * @param bytes of the vectors, dead ones included; lists and graphs need some more
   */
  public record Storage(int segments, int rows, int dead, long bytes) {}

  /** What lies in memory now. */
  public Storage storage() {
    writing.lock();
    try {
      return segments.storage();
    } finally {
      writing.unlock();
    }
  }

  /** Compactions of this gallery so far. */
  public long compactions() {
    return compactor.count();
  }

  /**
   * Share of the 10 nearest photos that the index finds, measured on a sample when it was trained
   * last; 1 while it compares with every photo, empty where it was not trained here.
   */
  public OptionalDouble recall() {
    return state().indexType().equals(IndexType.FLAT.name())
        ? OptionalDouble.of(1)
        : compactor.recall();
  }

  /** Rows in all segments, dead ones included. */
  int rows() {
    return storage().rows();
  }

  /**
   * How much an embedding resembles the other photos of its product.
   *
   * @param galleryImageId of the photo itself, which does not count
   * @return the best inner product with up to {@value #MOST_COMPARED} of them; empty when there are
   *     none
   */
  public OptionalDouble resemblance(float[] embedding, String productId, String galleryImageId) {
    writing.lock();
    try {
      requireOpen();
      byProduct.fill(photos.all());
      return byProduct.of(productId).stream()
          .filter(photo -> !photo.entry().galleryImageId().equals(galleryImageId))
          .limit(MOST_COMPARED)
          .mapToDouble(photo -> Embeddings.innerProduct(embedding, photo.copy()))
          .max();
    } finally {
      writing.unlock();
    }
  }

  /** Every photo, by galleryImageId. */
  public List<GalleryEntry> entries() {
    writing.lock();
    try {
      return photos.all().stream()
          .map(Photo::entry)
          .sorted(Comparator.comparing(GalleryEntry::galleryImageId))
          .toList();
    } finally {
      writing.unlock();
    }
  }

  /**
   * Frees all native memory: at once what nothing uses, the rest when searches and a compaction
   * that are running end. Idempotent; a search or change afterwards throws {@link IndexException}.
   */
  @Override
  public void close() {
    writing.lock();
    try {
      if (!closed) {
        closed = true;
        compactor.close();
        if (copies != null) {
          copies.close();
        }
        segments.release();
      }
    } finally {
      writing.unlock();
    }
  }
}
