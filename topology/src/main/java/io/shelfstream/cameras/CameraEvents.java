package io.shelfstream.cameras;

import io.shelfstream.events.MatchStatus;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognizedObject;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The newest events of each camera, in bounded memory. Safe for several threads. */
public final class CameraEvents {
  /** Events of a camera. */
  static final int OF_A_CAMERA = 24;

  /** Cameras; the one that was silent for longest is forgotten. */
  static final int CAMERAS = 500;

  /** Objects of all events together; each takes a kilobyte with its candidates. */
  static final int OBJECTS = 40_000;

  private final Map<String, List<RecognitionEvent>> ofCamera = new TreeMap<>(); // oldest first
  private final Map<String, RecognitionEvent> byId = new HashMap<>();
  private int objects;

  /**
   * A camera as its kept events show it.
   *
   * @param framesPerSecond recognised, up to now: it falls while none come
   * @param latencyMillis in the service, the median
   * @param unknownShare of all objects, 0 to 1; 0 where there are none
   */
  public record Camera(
      RecognitionEvent newest, double framesPerSecond, double latencyMillis, double unknownShare) {}

  /** Takes an event in, unless it is there, or its frame was skipped. */
  public synchronized void add(RecognitionEvent event) {
    if (event.getSkippedReason() != null || byId.putIfAbsent(event.getEventId(), event) != null) {
      return;
    }
    List<RecognitionEvent> events =
        ofCamera.computeIfAbsent(event.getCameraId(), id -> new ArrayList<>());
    int place = events.size();
    while (place > 0 && events.get(place - 1).getProcessedAt().isAfter(event.getProcessedAt())) {
      place--;
    }
    events.add(place, event);
    objects += event.getObjects().size();
    while (events.size() > OF_A_CAMERA) {
      forgetOldest(events);
    }
    makeRoom();
  }

  private void makeRoom() {
    if (ofCamera.size() > CAMERAS) {
      List<RecognitionEvent> silent = oldest(1);
      while (!silent.isEmpty()) {
        forgetOldest(silent);
      }
      ofCamera.values().removeIf(List::isEmpty);
    }
    while (objects > OBJECTS) {
      List<RecognitionEvent> events = oldest(2); // each camera keeps its newest event
      if (events.isEmpty()) {
        return;
      }
      forgetOldest(events);
    }
  }

  /** The events, so many or more, of the camera whose first is the oldest. */
  private List<RecognitionEvent> oldest(int least) {
    return ofCamera.values().stream()
        .filter(events -> events.size() >= least)
        .min(
            Comparator.comparing(
                events -> events.get(least == 1 ? events.size() - 1 : 0).getProcessedAt()))
        .orElse(List.of());
  }

  private void forgetOldest(List<RecognitionEvent> events) {
    RecognitionEvent gone = events.remove(0);
    byId.remove(gone.getEventId());
    objects -= gone.getObjects().size();
  }

  /** All cameras by id, as they are at that time. */
  public synchronized List<Camera> cameras(Instant now) {
    return ofCamera.values().stream().map(events -> camera(events, now)).toList();
  }

  private static Camera camera(List<RecognitionEvent> events, Instant now) {
    RecognitionEvent newest = events.get(events.size() - 1);
    Instant first = events.get(0).getProcessedAt();
    Instant last = newest.getProcessedAt();
    Duration span = Duration.between(first, last);
    // One that is late already makes the rate smaller.
    Duration since = Duration.between(first, now.isAfter(last.plus(span)) ? now : last);
    double[] latencies =
        events.stream().mapToDouble(event -> event.getTimings().getTotal()).sorted().toArray();
    long seen = 0;
    long unknown = 0;
    for (RecognitionEvent event : events) {
      for (RecognizedObject object : event.getObjects()) {
        seen++;
        unknown += object.getStatus() == MatchStatus.UNKNOWN ? 1 : 0;
      }
    }
    return new Camera(
        newest,
        since.isZero() ? 0 : (events.size() - 1) * 1e9 / since.toNanos(),
        latencies[latencies.length / 2],
        seen == 0 ? 0 : (double) unknown / seen);
  }

  /** The newest event of each camera. */
  public synchronized List<RecognitionEvent> newest() {
    return ofCamera.values().stream().map(events -> events.get(events.size() - 1)).toList();
  }

  /** The events of a camera that are kept, the newest first; empty when there are none. */
  public synchronized List<RecognitionEvent> of(String camera) {
    List<RecognitionEvent> events = new ArrayList<>(ofCamera.getOrDefault(camera, List.of()));
    Collections.reverse(events);
    return events;
  }

  /** An event that is kept. */
  public synchronized Optional<RecognitionEvent> event(String eventId) {
    return Optional.ofNullable(byId.get(eventId));
  }

  /** Forgets all. */
  public synchronized void clear() {
    ofCamera.clear();
    byId.clear();
    objects = 0;
  }
}
