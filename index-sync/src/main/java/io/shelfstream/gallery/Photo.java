package io.shelfstream.gallery;

import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One embedding of a gallery photo, and its metadata. A photo that is embedded anew becomes a new
 * object.
 *
 * <p>Searches read {@link #entry(long)} without a lock; all else belongs to whoever holds the
 * gallery's write lock.
 */
final class Photo {

  /**
   * Earlier metadata kept for searches that began earlier; a photo with more of them is stored
   * anew.
   */
  private static final int MOST_VERSIONS = 16;

  private final Fingerprint embedding;
  private volatile Version version;
  private LiveSegment segment;
  private int position;
  private int slot;
  private long deletedAt;
  private boolean confirmed = true;

  /** Metadata of a photo from a change on, and before that. */
  private record Version(GalleryEntry entry, long sequence, @Nullable Version before, int count) {}

  Photo(
      Fingerprint embedding, GalleryEntry entry, long sequence, LiveSegment segment, int position) {
    this.embedding = embedding;
    this.version = new Version(entry, sequence, null, 1);
    this.segment = segment;
    this.position = position;
  }

  /** One of a snapshot, which the topic has yet to show. */
  static Photo restored(
      Fingerprint embedding, GalleryEntry entry, long sequence, LiveSegment segment, int position) {
    Photo photo = new Photo(embedding, entry, sequence, segment, position);
    photo.unconfirm();
    return photo;
  }

  /** Whether the topic has shown it. */
  boolean isConfirmed() {
    return confirmed;
  }

  void confirm() {
    confirmed = true;
  }

  void unconfirm() {
    confirmed = false;
  }

  Fingerprint embedding() {
    return embedding;
  }

  /** Metadata of the photo after the change of this sequence number, when it was in the gallery. */
  GalleryEntry entry(long sequence) {
    Version then = version;
    while (then.sequence > sequence && then.before != null) {
      then = then.before;
    }
    return then.entry;
  }

  GalleryEntry entry() {
    return version.entry;
  }

  /**
   * Changes the metadata from a sequence number on.
   *
   * @return false when earlier versions leave no room, or its product or attributes change, which
   *     filters have noted for its row: nothing has changed then
   */
  boolean update(GalleryEntry entry, long sequence) {
    Version before = version;
    if (before.count == MOST_VERSIONS
        || !before.entry.productId().equals(entry.productId())
        || !before.entry.attributes().equals(entry.attributes())) {
      return false;
    }
    version = new Version(entry, sequence, before, before.count + 1);
    return true;
  }

  /** Where {@link PhotosByProduct} has it. */
  int slot() {
    return slot;
  }

  void slot(int place) {
    slot = place;
  }

  /** Its embedding, from the segment that it lies in. */
  float[] copy() {
    FloatBuffer row = segment.vectors().copy(new int[] {position});
    float[] values = new float[segment.vectors().dimension()];
    row.get(values);
    return values;
  }

  boolean isLive() {
    return deletedAt == 0;
  }

  /**
   * Hides the photo from searches that see this change, and returns the segment that it lies in.
   */
  LiveSegment markDeleted(long sequence) {
    deletedAt = sequence;
    segment.markDeleted(position, sequence);
    return segment;
  }

  /** Follows the embedding to a new segment, where it may have been marked deleted meanwhile. */
  void moveTo(LiveSegment target, int place) {
    segment = target;
    position = place;
    if (deletedAt != 0) {
      target.markDeleted(place, deletedAt);
    }
  }
}
