package io.shelfstream.gallery;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The photos of a snapshot by galleryImageId, in two arrays of numbers, until each is taken out.
 * Belongs to whoever holds the gallery's write lock.
 */
final class RestoredPhotos {

  private static final int EMPTY = 0;
  private static final int TAKEN = -1;

  private final List<LiveSegment> segments;

  /** Number of each segment's first photo, and of all photos. */
  private final int[] firsts;

  /** Photos by the hash of their id: their number + 1. */
  private final int[] places;

  private final BitSet confirmed = new BitSet();
  private int left;

  /**
   * @param segments with rows of a snapshot only
   * @throws IOException when an id is there twice
   */
  RestoredPhotos(List<LiveSegment> segments) throws IOException {
    this.segments = List.copyOf(segments);
    firsts = new int[segments.size() + 1];
    for (int i = 0; i < segments.size(); i++) {
      firsts[i + 1] = firsts[i] + segments.get(i).rows();
    }
    left = firsts[segments.size()];
    places = new int[Math.max(2, Integer.highestOneBit(Math.max(1, left)) * 4)];
    for (int i = 0; i < segments.size(); i++) {
      LiveSegment segment = segments.get(i);
      for (int row = 0; row < segment.rows(); row++) {
        enter(firsts[i] + row, segment, row);
      }
    }
  }

  private void enter(int number, LiveSegment segment, int row) throws IOException {
    int hash = segment.restored(row).idHash(LiveSegment.withinChunk(row));
    int place = hash & (places.length - 1);
    while (places[place] != EMPTY) {
      int other = places[place] - 1;
      if (metadata(other).idHash(within(other)) == hash) {
        byte[] id = segment.restored(row).id(LiveSegment.withinChunk(row));
        if (metadata(other).hasId(within(other), id)) {
          throw SnapshotFile.damaged("photo '%s' is there twice".formatted(new String(id, UTF_8)));
        }
      }
      place = place + 1 & (places.length - 1);
    }
    places[place] = number + 1;
  }

  int size() {
    return left;
  }

  /** Whether it is there; then the topic has shown it. */
  boolean confirm(String id) {
    int place = find(id);
    if (place >= 0) {
      confirmed.set(places[place] - 1);
    }
    return place >= 0;
  }

  /** Takes a photo out, or gives null when it is not there. */
  @Nullable Photo take(String id) {
    int place = find(id);
    return place < 0 ? null : take(place);
  }

  /** Takes all of them out. */
  List<Photo> takeAll() {
    List<Photo> all = new ArrayList<>(left);
    for (int place = 0; place < places.length; place++) {
      if (places[place] > EMPTY) {
        all.add(take(place));
      }
    }
    return all;
  }

  /** Ids of those that the topic has not shown. */
  List<String> unconfirmed() {
    List<String> ids = new ArrayList<>();
    for (int place : places) {
      if (place > EMPTY && !confirmed.get(place - 1)) {
        ids.add(new String(metadata(place - 1).id(within(place - 1)), UTF_8));
      }
    }
    return ids;
  }

  private Photo take(int place) {
    int number = places[place] - 1;
    int segment = segmentOf(number);
    Photo photo = segments.get(segment).photo(number - firsts[segment]);
    if (confirmed.get(number)) {
      photo.confirm();
    }
    places[place] = TAKEN;
    left--;
    return photo;
  }

  /** Place of an id, or -1. */
  private int find(String id) {
    if (left == 0) {
      return -1;
    }
    byte[] bytes = id.getBytes(UTF_8);
    int hash = RestoredMetadata.hash(bytes, 0, bytes.length);
    int place = hash & (places.length - 1);
    while (places[place] != EMPTY) {
      int number = places[place] - 1;
      if (places[place] != TAKEN
          && metadata(number).idHash(within(number)) == hash
          && metadata(number).hasId(within(number), bytes)) {
        return place;
      }
      place = place + 1 & (places.length - 1);
    }
    return -1;
  }

  private RestoredMetadata metadata(int number) {
    int segment = segmentOf(number);
    return segments.get(segment).restored(number - firsts[segment]);
  }

  private int within(int number) {
    return LiveSegment.withinChunk(number - firsts[segmentOf(number)]);
  }

  private int segmentOf(int number) {
    int found = Arrays.binarySearch(firsts, number);
    // Among equal numbers the last one has rows; a snapshot has no empty segments but growing ones.
    int segment = found >= 0 ? found : -found - 2;
    while (firsts[segment + 1] == number) {
      segment++;
    }
    return segment;
  }
}
