package io.shelfstream.follower;

import io.shelfstream.events.GalleryOutcome;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.gallery.Embeddings;
import io.shelfstream.gallery.GalleryEntry;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/**
 * Updates that this process has handled and that are not searchable in its own gallery yet: they
 * are on their way through the vectors topic, usually for some milliseconds. The threads that embed
 * add them, the thread that follows the topic removes them. Safe for several threads.
 */
public final class InFlightPhotos {

  /** An embedded photo. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  public record Photo(GalleryEntry entry, float[] embedding) {
    public double score(float[] other) {
      return Embeddings.innerProduct(embedding, other);
    }
  }

  /**
   * An update that was handled.
   *
   * @param status as it was published
   * @param headers of the update
   * @param photo null for a removal
   */
  public record Update(GalleryStatus status, Headers headers, @Nullable Photo photo) {}

  /**
   * Most updates that are kept, 2 KB each: bounds memory when the vectors topic does not bring them
   * back.
   */
  private static final int MOST = 4096;

  private final Map<String, Deque<Update>> byId = new LinkedHashMap<>();
  private final List<Update> arrived = new ArrayList<>();
  private int size;

  public synchronized void sent(Update update) {
    Deque<Update> ofPhoto =
        byId.computeIfAbsent(update.status().getGalleryImageId(), id -> new ArrayDeque<>(1));
    Update last = ofPhoto.peekLast();
    // Handled again after an aborted transaction.
    if (last != null && last.status().getSourceOffset() == update.status().getSourceOffset()) {
      ofPhoto.removeLast();
      size--;
    }
    ofPhoto.addLast(update);
    size++;
    if (size > MOST) {
      forget(byId.keySet().iterator().next());
    }
  }

  private void forget(String id) {
    size -= Objects.requireNonNull(byId.remove(id)).size();
  }

  /**
   * To be called when a record of the vectors topic has become searchable in the gallery.
   *
   * @param sourceOffset of the update that it was made from; null for a tombstone, which has none
   */
  synchronized void shown(String galleryImageId, @Nullable Long sourceOffset, Instant now) {
    Deque<Update> ofPhoto = byId.get(galleryImageId);
    if (ofPhoto == null || ofPhoto.stream().noneMatch(u -> isOf(u, sourceOffset))) {
      return;
    }
    Update update;
    do {
      update = ofPhoto.removeFirst();
      size--;
    } while (!isOf(update, sourceOffset));
    if (ofPhoto.isEmpty()) {
      byId.remove(galleryImageId);
    }
    GalleryStatus status =
        GalleryStatus.newBuilder(update.status())
            .setOutcome(GalleryOutcome.SEARCHABLE)
            .setSearchableAt(now)
            .build();
    if (arrived.size() < MOST) {
      arrived.add(new Update(status, update.headers(), update.photo()));
    }
  }

  private static boolean isOf(Update update, @Nullable Long sourceOffset) {
    return sourceOffset == null
        ? update.photo() == null
        : update.photo() != null && update.status().getSourceOffset() == sourceOffset;
  }

  /** Updates that became searchable since the last call, with their times. */
  public synchronized List<Update> arrived() {
    List<Update> all = List.copyOf(arrived);
    arrived.clear();
    return all;
  }

  /** Photos that are not searchable yet. */
  public synchronized List<Photo> photos() {
    return byId.values().stream()
        .flatMap(Collection::stream)
        .map(Update::photo)
        .filter(Objects::nonNull)
        .toList();
  }
}
