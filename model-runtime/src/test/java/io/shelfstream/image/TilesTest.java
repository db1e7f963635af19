package io.shelfstream.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TilesTest {

  @ParameterizedTest
  @CsvSource({"640, 480, 1", "1000, 1500, 1", "1080, 1920, 2", "1920, 1080, 2", "4000, 1000, 5"})
  void autoCutsOnlyWhatSqueezingWouldDistort(int width, int height, int count) {
    assertEquals(count, Tiles.AUTO.of(width, height).size());
  }

  @Test
  void autoMakesSquaresThatOverlap() {
    assertEquals(
        List.of(new PixelBox(0, 0, 1080, 1080), new PixelBox(0, 840, 1080, 1920)),
        Tiles.AUTO.of(1080, 1920));
  }

  @Test
  void aNumberIsThatOfTilesAlongTheLongerSide() {
    List<PixelBox> tiles = new Tiles(3).of(4000, 3000);

    assertEquals(9, tiles.size());
    assertEquals(new PixelBox(0, 0, 1539, 1539), tiles.get(0));
    assertEquals(new PixelBox(2461, 1461, 4000, 3000), tiles.get(8));
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "3, 1000", "7, 5", "1920, 1080", "20000, 30", "4001, 2999"})
  void everyPixelLiesInATileAndEveryTileInTheImage(int width, int height) {
    for (int along = 0; along <= Tiles.MOST; along++) {
      List<PixelBox> tiles = new Tiles(along).of(width, height);
      for (PixelBox tile : tiles) {
        assertEquals(tile, tile.clip(width, height));
        assertTrue(!tile.isEmpty(), tile::toString);
      }
      for (int x : new int[] {0, width / 3, width / 2, width - 1}) {
        for (int y : new int[] {0, height / 3, height / 2, height - 1}) {
          int px = x;
          int py = y;
          assertTrue(
              tiles.stream()
                  .anyMatch(t -> t.x1() <= px && px < t.x2() && t.y1() <= py && py < t.y2()),
              () -> "no tile at " + px + ", " + py + " of " + tiles);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1920, 1080, 0", "1920, 1080, 4", "8000, 3000, 7", "100000, 100, 0"})
  void neighboursShareAFifthOfTheirSide(int width, int height, int along) {
    List<PixelBox> tiles = new Tiles(along).of(width, height);
    assertTrue(tiles.size() > 1);
    for (int i = 1; i < tiles.size(); i++) {
      PixelBox before = tiles.get(i - 1);
      PixelBox tile = tiles.get(i);
      if (tile.x1() > before.x1()) {
        assertTrue(before.x2() - tile.x1() >= 0.19 * tile.width(), tile::toString);
      }
    }
  }

  @Test
  void refusesWhatIsNoNumberOfTiles() {
    assertThrows(IllegalArgumentException.class, () -> new Tiles(-1));
    assertThrows(IllegalArgumentException.class, () -> new Tiles(Tiles.MOST + 1));
  }
}
