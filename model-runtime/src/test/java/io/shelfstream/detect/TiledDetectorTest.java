package io.shelfstream.detect;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.shelfstream.image.PixelBox;
import java.util.List;
import org.junit.jupiter.api.Test;

/** An image of 180 × 100 in two tiles that share the columns 80 to 100. */
class TiledDetectorTest {
  private static final List<PixelBox> TILES =
      List.of(new PixelBox(0, 0, 100, 100), new PixelBox(80, 0, 180, 100));

  private static Detection box(double score, float x1, float y1, float x2, float y2) {
    return new Detection((float) score, x1, y1, x2, y2);
  }

  private static List<Detection> join(List<Detection> left, List<Detection> right) {
    return TiledDetector.join(TILES, List.of(left, right), 180, 100);
  }

  @Test
  void boxesComeInPixelsOfTheImageBestFirst() {
    assertEquals(
        List.of(box(0.9, 120, 10, 140, 30), box(0.8, 5, 10, 25, 30)),
        join(List.of(box(0.8, 5, 10, 25, 30)), List.of(box(0.9, 40, 10, 60, 30))));
  }

  @Test
  void whatOneTileShowsWholeIsNotCutByTheOther() {
    // Columns 85 to 110: the left tile sees 15 of them.
    assertEquals(
        List.of(box(0.7, 85, 20, 110, 60)),
        join(List.of(box(0.9, 85, 20, 100, 60)), List.of(box(0.7, 5, 20, 30, 60))));
  }

  @Test
  void partsOfOneObjectBecomeOneBox() {
    assertEquals(
        List.of(box(0.8, 50, 20, 130, 61)),
        join(List.of(box(0.6, 50, 20, 100, 60)), List.of(box(0.8, 0, 21, 50, 61))));
  }

  @Test
  void whatAnotherTileShowsAllOfIsThatTilesToFind() {
    assertEquals(List.of(), join(List.of(box(0.9, 85, 20, 100, 60)), List.of()));
  }

  @Test
  void aPartThatNoOtherTileShowsStays() {
    assertEquals(
        List.of(box(0.9, 60, 20, 100, 60)), join(List.of(box(0.9, 60, 20, 100, 60)), List.of()));
  }

  @Test
  void neighboursAtOtherHeightsStayApart() {
    assertEquals(
        List.of(box(0.8, 80, 55, 130, 95), box(0.6, 50, 10, 100, 60)),
        join(List.of(box(0.6, 50, 10, 100, 60)), List.of(box(0.8, 0, 55, 50, 95))));
  }

  @Test
  void bordersOfTheImageCutNothing() {
    assertEquals(
        List.of(box(0.9, 0, 0, 40, 100), box(0.8, 150, 0, 180, 100)),
        join(List.of(box(0.9, 0, 0, 40, 100)), List.of(box(0.8, 70, 0, 100, 100))));
  }

  @Test
  void anObjectInThreeTilesIsOne() {
    List<PixelBox> tiles =
        List.of(
            new PixelBox(0, 0, 100, 100),
            new PixelBox(80, 0, 180, 100),
            new PixelBox(160, 0, 260, 100));
    assertEquals(
        List.of(box(0.7, 50, 20, 200, 60)),
        TiledDetector.join(
            tiles,
            List.of(
                List.of(box(0.6, 50, 20, 100, 60)),
                List.of(box(0.5, 0, 20, 100, 60)),
                List.of(box(0.7, 0, 20, 40, 60))),
            260,
            100));
  }

  @Test
  void oneTileIsTakenAsItIs() {
    List<Detection> found = List.of(box(0.3, -2, -2, 300, 300));

    assertEquals(
        found, TiledDetector.join(List.of(new PixelBox(0, 0, 180, 100)), List.of(found), 180, 100));
  }
}
