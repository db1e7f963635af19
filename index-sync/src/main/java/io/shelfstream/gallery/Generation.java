package io.shelfstream.gallery;

import io.shelfstream.index.Segment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The segments of a gallery between two compactions, the last one being appended to. Counts who
 * uses it; the last user frees the segments that no other generation lists.
 */
final class Generation {

  private final List<LiveSegment> segments;
  private final List<Segment.View> whole = new ArrayList<>();
  private final AtomicInteger users = new AtomicInteger(1);

  /**
   * Its first user is whoever makes it.
   *
   * @param segments the last one is appended to, the others no longer are
   */
  Generation(List<LiveSegment> segments) {
    this.segments = List.copyOf(segments);
    segments.forEach(LiveSegment::retain);
    for (LiveSegment segment : frozen()) {
      whole.add(new Segment.View(segment.vectors(), segment.rows()));
    }
  }

  /** All of them, the open one last. */
  List<LiveSegment> segments() {
    return segments;
  }

  LiveSegment open() {
    return segments.get(segments.size() - 1);
  }

  List<LiveSegment> frozen() {
    return segments.subList(0, segments.size() - 1);
  }

  LiveSegment segment(int number) {
    return segments.get(number);
  }

  /** All rows of the frozen segments and the first ones of the open one. */
  List<Segment.View> views(int openRows) {
    List<Segment.View> views = new ArrayList<>(whole);
    views.add(new Segment.View(open().vectors(), openRows));
    return views;
  }

  /** The same, of the rows that a filter allows. */
  List<Segment.View> views(int openRows, PhotoFilter filter) {
    if (filter.isNone()) {
      return views(openRows);
    }
    List<Segment.View> views = new ArrayList<>();
    for (LiveSegment segment : frozen()) {
      views.add(view(segment, segment.rows(), filter));
    }
    views.add(view(open(), openRows, filter));
    return views;
  }

  private static Segment.View view(LiveSegment segment, int rows, PhotoFilter filter) {
    return new Segment.View(segment.vectors(), rows, segment.allowed(filter, rows));
  }

  /** Returns false when it is too late: the last user is gone. */
  boolean retain() {
    int now = users.get();
    while (now > 0) {
      if (users.compareAndSet(now, now + 1)) {
        return true;
      }
      now = users.get();
    }
    return false;
  }

  void release() {
    if (users.decrementAndGet() == 0) {
      segments.forEach(LiveSegment::release);
    }
  }
}
