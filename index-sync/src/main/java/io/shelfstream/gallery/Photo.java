package io.shelfstream.gallery;

import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One embedding of a gallery photo, and what is said of it. A photo that is embedded anew becomes a
 * new object.
 *
 * <p>Searches read {@link #entry(long)} without a lock; all else belongs to whoever holds the
 * gallery's write lock.
 */
final class Photo {

  /** Texts kept for searches that began earlier; a photo with more of them is stored anew. */
  private static final int MOST_TEXTS = 16;

  private final Fingerprint embedding;
  private volatile Text text;
  private LiveSegment segment;
  private int position;
  private int slot;
  private long buriedAt;
  private boolean confirmed = true;

  /** What was said of a photo from a moment on, and before that. */
  private record Text(GalleryEntry entry, long since, @Nullable Text before, int count) {}

  Photo(Fingerprint embedding, GalleryEntry entry, long since, LiveSegment segment, int position) {
    this.embedding = embedding;
    this.text = new Text(entry, since, null, 1);
    this.segment = segment;
    this.position = position;
  }

  /** One of a snapshot, which the topic has yet to show. */
  static Photo restored(
      Fingerprint embedding, GalleryEntry entry, long since, LiveSegment segment, int position) {
    Photo photo = new Photo(embedding, entry, since, segment, position);
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

  /** What was said of the photo at a moment at which it was in the gallery. */
  GalleryEntry entry(long asOf) {
    Text then = text;
    while (then.since > asOf && then.before != null) {
      then = then.before;
    }
    return then.entry;
  }

  GalleryEntry entry() {
    return text.entry;
  }

  /**
   * Says something else of the photo from a moment on.
   *
   * @return false when earlier texts leave no room, or its product or attributes change, which
   *     filters have noted for its row: nothing has changed then
   */
  boolean retell(GalleryEntry entry, long since) {
    Text before = text;
    if (before.count == MOST_TEXTS
        || !before.entry.productId().equals(entry.productId())
        || !before.entry.attributes().equals(entry.attributes())) {
      return false;
    }
    text = new Text(entry, since, before, before.count + 1);
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
    return buriedAt == 0;
  }

  /** Hides the photo from searches as of a moment, and returns the segment that it lies in. */
  LiveSegment bury(long at) {
    buriedAt = at;
    segment.bury(position, at);
    return segment;
  }

  /** Follows the embedding to a new segment, where it may have been buried meanwhile. */
  void moveTo(LiveSegment target, int place) {
    segment = target;
    position = place;
    if (buriedAt != 0) {
      target.bury(place, buriedAt);
    }
  }
}
