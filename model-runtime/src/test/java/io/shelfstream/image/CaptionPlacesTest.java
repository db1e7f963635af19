package io.shelfstream.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CaptionPlacesTest {
  private final CaptionPlaces places = new CaptionPlaces(640, 480);

  @Test
  void liesAboveItsBoxWhereThereIsRoom() {
    assertThat(places.take(new PixelBox(100, 100, 200, 200), 80, 20))
        .isEqualTo(new PixelBox(100, 80, 180, 100));
    // At the image's edge it is moved inside.
    assertThat(places.take(new PixelBox(600, 5, 640, 50), 80, 20))
        .isEqualTo(new PixelBox(560, 0, 640, 20));
  }

  @Test
  void captionsOfBoxesOnEachOtherDoNotCoverEachOther() {
    List<PixelBox> taken = new ArrayList<>();
    for (int i = 0; i < 24; i++) {
      taken.add(places.take(new PixelBox(100, 100, 200, 200), 80, 20));
    }
    for (int i = 0; i < taken.size(); i++) {
      for (int j = 0; j < i; j++) {
        int a = taken.get(i).y1();
        int b = taken.get(j).y1();
        assertThat(Math.abs(a - b)).isGreaterThanOrEqualTo(20);
      }
    }
    // The column is full; more lie on others, but inside.
    assertThat(places.take(new PixelBox(100, 100, 200, 200), 80, 20).y1()).isEqualTo(80);
  }

  @Test
  void takesAnyBoxAndAnyCaption() {
    Random random = new Random(1);
    for (int i = 0; i < 1000; i++) {
      PixelBox box =
          new PixelBox(
              random.nextInt(2000) - 500,
              random.nextInt(2000) - 500,
              random.nextInt(2000) - 500,
              random.nextInt(2000) - 500);
      PixelBox place = places.take(box, 1 + random.nextInt(1000), 1 + random.nextInt(600));
      assertThat(place.x1()).isNotNegative();
      assertThat(place.y1()).isNotNegative();
    }
  }
}
