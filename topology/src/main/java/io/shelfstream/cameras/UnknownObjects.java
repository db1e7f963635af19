package io.shelfstream.cameras;

import io.shelfstream.events.BoundingBox;
import io.shelfstream.events.MatchStatus;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognizedObject;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Objects that were not recognised, each once although frame after frame shows it. */
public final class UnknownObjects {
  /** Boxes of one camera that overlap by so much, as intersection over union, are one object. */
  private static final double SAME = 0.5;

  private UnknownObjects() {}

  /** An object on a frame. */
  public record Unknown(RecognitionEvent event, RecognizedObject object) {}

  /**
   * The unknown objects of the newest frame of each camera, and those of earlier frames where the
   * newest frame shows no object at their place.
   *
   * @param events of each camera, the newest first
   * @param most how many to give; the newest ones
   */
  public static List<Unknown> newest(Stream<List<RecognitionEvent>> events, int most) {
    return events
        .flatMap(ofCamera -> ofCamera(ofCamera).stream())
        .sorted(
            Comparator.comparing((Unknown unknown) -> unknown.event().getProcessedAt()).reversed())
        .limit(most)
        .toList();
  }

  private static List<Unknown> ofCamera(List<RecognitionEvent> newestFirst) {
    List<Unknown> found = new ArrayList<>();
    List<BoundingBox> taken = new ArrayList<>();
    for (RecognitionEvent event : newestFirst) {
      for (RecognizedObject object : event.getObjects()) {
        // What was unknown and is known by now is no longer shown: its place is taken.
        if (taken.stream().noneMatch(box -> overlap(box, object.getBbox()) > SAME)) {
          if (object.getStatus() == MatchStatus.UNKNOWN && !object.getWholeImage()) {
            found.add(new Unknown(event, object));
          }
          taken.add(object.getBbox());
        }
      }
    }
    return found;
  }

  private static double overlap(BoundingBox a, BoundingBox b) {
    long width = Math.min(a.getX2(), b.getX2()) - (long) Math.max(a.getX1(), b.getX1());
    long height = Math.min(a.getY2(), b.getY2()) - (long) Math.max(a.getY1(), b.getY1());
    if (width <= 0 || height <= 0) {
      return 0;
    }
    double both = (double) width * height;
    return both / (area(a) + area(b) - both);
  }

  private static double area(BoundingBox box) {
    return (double) (box.getX2() - box.getX1()) * (box.getY2() - box.getY1());
  }
}
