package io.shelfstream.gallery;

import io.shelfstream.events.GalleryVector;
import io.shelfstream.index.FaissIndex;
import io.shelfstream.index.IndexException;
import io.shelfstream.index.Metric;
import io.shelfstream.index.VectorIndex;
import java.nio.FloatBuffer;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * The live gallery: follows the records of the vectors topic and is searched meanwhile. One lock:
 * searches share it, a change waits for them and they for it, so a search sees the gallery of one
 * moment and names it.
 *
 * <p>The last record of a photo decides, whatever its offset: reading the topic again from any
 * point ends with the same gallery.
 */
public final class Gallery implements ProductSearch, AutoCloseable {

  private final VectorIndex index;
  private final String extractorId;
  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private final Map<String, Photo> photos = new HashMap<>();
  private final Map<Long, GalleryEntry> entriesById = new HashMap<>();
  private final Map<Integer, Long> versions = new HashMap<>();
  private final NearestPhotos nearest;

  /**
   * Vectors that an index without removal still holds, to be used again when the photo comes back.
   * Adding it anew each time would fill the graph with copies, and many copies of one point cut
   * others off from it.
   */
  private final Map<Fingerprint, Long> hidden = new HashMap<>();

  /** Ids are never given twice: an index that cannot remove keeps the old ones. */
  private long nextId;

  /** A photo in the index under an id of ours. */
  private record Photo(long id, Fingerprint embedding, GalleryEntry entry) {}

  /**
   * @param index empty, trained, by inner product; belongs to the gallery from now on
   * @param extractorId vectors of any other extractor are rejected
   * @throws IllegalArgumentException when the index cannot serve
   */
  public Gallery(VectorIndex index, String extractorId) {
    if (index.metric() != Metric.INNER_PRODUCT) {
      throw new IllegalArgumentException(
          "index refused: metric INNER_PRODUCT expected, got " + index.metric());
    }
    if (index.size() > 0) {
      throw new IllegalArgumentException(
          "index refused: it holds " + index.size() + " vectors, an empty one is expected");
    }
    if (index instanceof FaissIndex faiss && !faiss.trained()) {
      throw new IllegalArgumentException(
          "index of type "
              + index.type()
              + " refused: it must be trained first; a gallery that starts empty takes Flat, SQfp16"
              + " or HNSW32");
    }
    this.index = index;
    this.extractorId = extractorId;
    this.nearest = new NearestPhotos(index, entriesById::get);
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
      /** The photo was there; its embedding or what is said of it changed. */
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
    Optional<String> problem =
        VectorRecord.problem(galleryImageId, vector, dimension(), extractorId);
    lock.writeLock().lock();
    try {
      advance(partition, offset);
      if (problem.isPresent()) {
        return Change.rejected(problem.get());
      }
      return vector == null
          ? remove(Objects.requireNonNull(galleryImageId))
          : put(VectorRecord.of(vector));
    } finally {
      lock.writeLock().unlock();
    }
  }

  /**
   * Notes a record that could not even be decoded: the version advances, the gallery stays.
   *
   * @return REJECTED with the reason
   */
  public Change skip(
      int partition, long offset, @Nullable String galleryImageId, @Nullable String reason) {
    lock.writeLock().lock();
    try {
      advance(partition, offset);
      return Change.rejected("gallery vector '%s' rejected: %s".formatted(galleryImageId, reason));
    } finally {
      lock.writeLock().unlock();
    }
  }

  private int dimension() {
    return index.dimension();
  }

  private void advance(int partition, long offset) {
    versions.merge(partition, offset + 1, Math::max);
  }

  private Change put(VectorRecord record) {
    String key = record.entry().galleryImageId();
    Photo before = photos.get(key);
    if (before != null && before.embedding().equals(record.fingerprint())) {
      if (before.entry().equals(record.entry())) {
        return Change.of(Change.Kind.UNCHANGED);
      }
      remember(key, new Photo(before.id(), before.embedding(), record.entry()));
      return Change.of(Change.Kind.REPLACED);
    }
    // The new one first: when the index fails, the old one is still there.
    Photo photo = new Photo(idInIndex(record), record.fingerprint(), record.entry());
    remember(key, photo);
    if (before != null) {
      forget(before);
    }
    return Change.of(before == null ? Change.Kind.ADDED : Change.Kind.REPLACED);
  }

  private long idInIndex(VectorRecord record) {
    Long kept = hidden.remove(record.fingerprint());
    if (kept != null) {
      return kept;
    }
    index.add(new long[] {nextId}, FloatBuffer.wrap(record.embedding()));
    return nextId++;
  }

  private Change remove(String key) {
    Photo before = photos.remove(key);
    if (before == null) {
      return Change.of(Change.Kind.UNCHANGED);
    }
    forget(before);
    return Change.of(Change.Kind.REMOVED);
  }

  private void remember(String key, Photo photo) {
    photos.put(key, photo);
    entriesById.put(photo.id(), photo.entry());
  }

  private void forget(Photo photo) {
    entriesById.remove(photo.id());
    try {
      index.remove(new long[] {photo.id()});
    } catch (IndexException e) {
      if (e.code() != IndexException.Code.UNSUPPORTED) {
        throw e;
      }
      // A graph keeps the vector. Searches pass over it, as no entry bears its id any more.
      hidden.put(photo.embedding(), photo.id());
    }
  }

  @Override
  public Result search(List<float[]> embeddings, int k) {
    lock.readLock().lock();
    try {
      return new Result(nearest.find(embeddings, k), current());
    } finally {
      lock.readLock().unlock();
    }
  }

  @Override
  public GalleryState state() {
    lock.readLock().lock();
    try {
      return current();
    } finally {
      lock.readLock().unlock();
    }
  }

  private GalleryState current() {
    return new GalleryState(versions, photos.size(), index.type());
  }

  /** Every photo, by galleryImageId. */
  public List<GalleryEntry> entries() {
    lock.readLock().lock();
    try {
      return photos.values().stream()
          .map(Photo::entry)
          .sorted(Comparator.comparing(GalleryEntry::galleryImageId))
          .toList();
    } finally {
      lock.readLock().unlock();
    }
  }

  /** Closes the index. Idempotent; a search or change afterwards throws {@link IndexException}. */
  @Override
  public void close() {
    index.close();
  }
}
