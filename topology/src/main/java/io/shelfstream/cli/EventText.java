package io.shelfstream.cli;

import io.shelfstream.client.OneLine;
import io.shelfstream.events.BoundingBox;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognizedObject;
import java.util.Locale;

/** A recognition event for people: a line for the frame and one for each object. */
final class EventText {
  private EventText() {}

  static String write(RecognitionEvent event) {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "%s  camera %s  frame %s  %s  %d objects  gallery %d (%d photos)  %.0f ms",
            event.getProcessedAt(),
            OneLine.of(event.getCameraId()),
            OneLine.of(event.getFrameId()),
            event.getStatus(),
            event.getObjects().size(),
            event.getVersions().getGalleryVersion(),
            event.getVersions().getGallerySize(),
            event.getTimings().getTotal()));
    for (RecognizedObject object : event.getObjects()) {
      text.append(System.lineSeparator()).append(line(object));
    }
    return text.toString();
  }

  private static String line(RecognizedObject object) {
    BoundingBox b = object.getBbox();
    String name = object.getLabel() != null ? OneLine.of(object.getLabel()) : "-";
    String score =
        object.getScore() == null ? "-" : String.format(Locale.ROOT, "%.3f", object.getScore());
    return String.format(
        Locale.ROOT,
        "  %-9s %-30s score %s  detection %.2f  [%d, %d, %d, %d]%s",
        object.getStatus(),
        name,
        score,
        object.getDetectionScore(),
        b.getX1(),
        b.getY1(),
        b.getX2(),
        b.getY2(),
        object.getWholeImage() ? "  whole image" : "");
  }
}
