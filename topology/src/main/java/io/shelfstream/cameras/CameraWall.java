package io.shelfstream.cameras;

import io.shelfstream.cameras.FramePictures.Wanted;
import io.shelfstream.events.RecognitionEvent;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The newest picture of each camera while somebody looks. Pictures are made in turns, the camera
 * that waited longest first: with many cameras each gets one every few seconds, and the events of
 * the frames in between are not shown. Safe for several threads.
 */
public final class CameraWall implements FramePictures.Background {
  /** Longest side of a picture, in pixels. */
  public static final int PICTURE = 640;

  /** Somebody who looked within so many nanoseconds still looks. */
  private static final long LOOKING = 5_000_000_000L;

  /** A camera gets a picture no more often, in nanoseconds. */
  private static final long PAUSE = 400_000_000L;

  /** And after one that could not be had, no more often than this. */
  private static final long AFTER_FAILURE = 5_000_000_000L;

  /** The same frame again: it may be a host that was away. */
  private static final long SAME_AFTER_FAILURE = 30_000_000_000L;

  private final CameraEvents events;
  private final Map<String, Shown> shown = new HashMap<>();
  private final Map<String, Attempt> attempts = new HashMap<>();
  private long lookedAt = System.nanoTime() - LOOKING;
  private long changes;

  /**
   * What is shown of a camera.
   *
   * @param event whose frame the picture shows; null before the first
   * @param change larger than those of all that were shown before
   * @param problem why the newest frame has no picture; empty when it has, or may get one
   */
  public record Shown(@Nullable RecognitionEvent event, long change, String problem) {}

  /** The last attempt for a camera. */
  private record Attempt(String eventId, long at, boolean failed, boolean done) {
    boolean isOver(RecognitionEvent newest, long waited) {
      boolean isOfThis = eventId.equals(newest.getEventId());
      return done
          && (failed
              ? waited > (isOfThis ? SAME_AFTER_FAILURE : AFTER_FAILURE)
              : waited > PAUSE && !isOfThis);
    }
  }

  public CameraWall(CameraEvents events) {
    this.events = events;
  }

  /** Says that somebody looks, now and for some seconds. */
  public synchronized void look() {
    lookedAt = System.nanoTime();
  }

  /** What is shown of a camera now. */
  public synchronized Shown shown(String camera) {
    return shown.getOrDefault(camera, new Shown(null, 0, ""));
  }

  /** The number of the last change. */
  public synchronized long changes() {
    return changes;
  }

  @Override
  public Optional<Wanted> next() {
    synchronized (this) {
      if (System.nanoTime() - lookedAt > LOOKING) {
        return Optional.empty();
      }
    }
    List<RecognitionEvent> newest = events.newest();
    synchronized (this) {
      forgetAllBut(newest);
      long now = System.nanoTime();
      RecognitionEvent next = null;
      long longest = -1;
      for (RecognitionEvent event : newest) {
        Attempt last = attempts.get(event.getCameraId());
        long waited = last == null ? Long.MAX_VALUE : now - last.at();
        if ((last == null || last.isOver(event, waited)) && waited > longest) {
          next = event;
          longest = waited;
        }
      }
      if (next == null) {
        return Optional.empty();
      }
      attempts.put(next.getCameraId(), new Attempt(next.getEventId(), now, false, false));
      return Optional.of(new Wanted(next, PICTURE, Optional.empty()));
    }
  }

  /** Cameras that are forgotten. */
  private void forgetAllBut(List<RecognitionEvent> newest) {
    if (attempts.size() > newest.size()) {
      Set<String> cameras =
          newest.stream().map(RecognitionEvent::getCameraId).collect(Collectors.toSet());
      attempts.keySet().retainAll(cameras);
      shown.keySet().retainAll(cameras);
    }
  }

  @Override
  public synchronized void made(Wanted wanted, @Nullable String problem) {
    RecognitionEvent event = wanted.event();
    String camera = event.getCameraId();
    attempts.put(camera, new Attempt(event.getEventId(), System.nanoTime(), problem != null, true));
    Shown before = shown(camera);
    if (problem == null) {
      shown.put(camera, new Shown(event, ++changes, ""));
    } else if (!before.problem().equals(problem)) {
      shown.put(camera, new Shown(before.event(), ++changes, problem));
    }
  }

  /** Forgets all. */
  public synchronized void clear() {
    shown.clear();
    attempts.clear();
  }
}
