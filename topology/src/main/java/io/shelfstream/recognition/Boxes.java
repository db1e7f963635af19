package io.shelfstream.recognition;

import io.shelfstream.detect.Detection;
import io.shelfstream.events.BoundingBox;
import io.shelfstream.image.PixelBox;
import java.util.List;

/** Bounding boxes between events, images and detectors. */
public final class Boxes {
  private Boxes() {}

  public static PixelBox toPixels(BoundingBox box) {
    return new PixelBox(box.getX1(), box.getY1(), box.getX2(), box.getY2());
  }

  public static BoundingBox toEvent(PixelBox box) {
    return new BoundingBox(box.x1(), box.y1(), box.x2(), box.y2());
  }

  static boolean centreLiesIn(List<PixelBox> regions, Detection detection) {
    float x = (detection.x1() + detection.x2()) / 2;
    float y = (detection.y1() + detection.y2()) / 2;
    return regions.stream().anyMatch(r -> x >= r.x1() && x < r.x2() && y >= r.y1() && y < r.y2());
  }
}
