package io.shelfstream.image;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Places for captions on one image: near their boxes, and none on another while there is room. */
final class CaptionPlaces {
  private final int imageWidth;
  private final int imageHeight;
  private final List<PixelBox> taken = new ArrayList<>();

  /** For an image of this many pixels. */
  CaptionPlaces(int imageWidth, int imageHeight) {
    this.imageWidth = imageWidth;
    this.imageHeight = imageHeight;
  }

  /**
   * Takes a place for a caption: above the box, else at its upper or lower edge, else the nearest
   * free rows above and below. Where all are taken it lies above the box all the same.
   */
  PixelBox take(PixelBox box, int width, int height) {
    int x = Math.max(0, Math.min(box.x1(), imageWidth - width));
    int above = box.y1() - height;
    IntStream near = IntStream.of(above, box.y1(), box.y2());
    IntStream further =
        IntStream.rangeClosed(1, imageHeight / Math.max(1, height))
            .flatMap(n -> IntStream.of(above - n * height, box.y1() + n * height));
    PixelBox place =
        IntStream.concat(near, further)
            .mapToObj(top -> at(x, top, width, height))
            .filter(this::isFree)
            .findFirst()
            .orElseGet(() -> at(x, above, width, height));
    taken.add(place);
    return place;
  }

  private PixelBox at(int x, int top, int width, int height) {
    int y = Math.max(0, Math.min(top, imageHeight - height));
    return new PixelBox(x, y, x + width, y + height);
  }

  private boolean isFree(PixelBox place) {
    return taken.stream()
        .noneMatch(
            t ->
                t.x1() < place.x2()
                    && place.x1() < t.x2()
                    && t.y1() < place.y2()
                    && place.y1() < t.y2());
  }
}
