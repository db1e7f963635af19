package io.shelfstream.recognition;

import io.shelfstream.gallery.ProductSearch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Frames that wait for a version of the gallery. One thread looks after all of them. */
final class GalleryWait implements AutoCloseable {
  /**
   * Short compared with the time until a record is applied, long compared with reading a number.
   */
  private static final long LOOK_MILLIS = 2;

  private final Duration longest;
  private final List<Waiting> waiting = new ArrayList<>();
  private final ScheduledExecutorService thread;
  private boolean looking;

  GalleryWait(Duration longest) {
    this.longest = longest;
    this.thread =
        Executors.newSingleThreadScheduledExecutor(work -> daemon(work, "frame-gallery-wait"));
  }

  private static Thread daemon(Runnable work, String name) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    return thread;
  }

  private record Waiting(
      ProductSearch gallery, long wanted, long since, Consumer<@Nullable String> then) {}

  /**
   * Calls back when the gallery has a version, or the longest wait is over. Returns at once.
   *
   * @param then gets null, or why the version was not reached; must not take long
   */
  synchronized void await(ProductSearch gallery, long wanted, Consumer<@Nullable String> then) {
    waiting.add(new Waiting(gallery, wanted, System.nanoTime(), then));
    if (!looking) {
      looking = true;
      thread.schedule(this::look, LOOK_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  /** Frames that wait now. */
  synchronized int size() {
    return waiting.size();
  }

  private void look() {
    for (Waiting done : takeDone()) {
      done.then().accept(reason(done));
    }
  }

  private synchronized List<Waiting> takeDone() {
    List<Waiting> done = waiting.stream().filter(w -> isThere(w) || isOver(w)).toList();
    waiting.removeAll(done);
    looking = !waiting.isEmpty();
    if (looking) {
      thread.schedule(this::look, LOOK_MILLIS, TimeUnit.MILLISECONDS);
    }
    return done;
  }

  private static boolean isThere(Waiting frame) {
    return frame.gallery().state().version() >= frame.wanted();
  }

  private boolean isOver(Waiting frame) {
    return System.nanoTime() - frame.since() >= longest.toNanos();
  }

  private @Nullable String reason(Waiting frame) {
    return isThere(frame)
        ? null
        : "gallery version %d was not reached within %d ms (recognition.gallery.wait); it is %d"
            .formatted(frame.wanted(), longest.toMillis(), frame.gallery().state().version());
  }

  /** Forgets the frames that still wait. */
  @Override
  public void close() {
    thread.shutdownNow();
  }
}
