package io.shelfstream.camera;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class UnchangedTest {
  private static byte[] shelf(int clock, int noise, int removed) throws Exception {
    BufferedImage picture = new BufferedImage(1280, 720, BufferedImage.TYPE_3BYTE_BGR);
    Graphics2D graphics = picture.createGraphics();
    for (int i = 0; i < 40; i++) {
      graphics.setColor(i < removed ? Color.DARK_GRAY : Color.getHSBColor(i / 40f, 0.7f, 0.9f));
      graphics.fillRect(i % 8 * 160 + 10, i / 8 * 140 + 40, 140, 100);
    }
    graphics.setColor(Color.WHITE);
    graphics.drawString("2026-11-29 17:05:%02d".formatted(clock), 20, 20);
    graphics.dispose();
    Random random = new Random(clock);
    for (int y = 0; y < 720; y++) {
      for (int x = 0; x < 1280; x++) {
        int change = random.nextInt(2 * noise + 1) - noise;
        Color was = new Color(picture.getRGB(x, y));
        picture.setRGB(
            x,
            y,
            new Color(
                    plus(was.getRed(), change),
                    plus(was.getGreen(), change),
                    plus(was.getBlue(), change))
                .getRGB());
      }
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ImageIO.write(picture, "jpg", bytes);
    return bytes.toByteArray();
  }

  private static int plus(int value, int change) {
    return Math.max(0, Math.min(255, value + change));
  }

  @Test
  void dropsNoiseAndClocksAndKeepsWhatWasTakenFromTheShelf() throws Exception {
    Unchanged unchanged = new Unchanged(2);

    assertThat(unchanged.isUnchanged(shelf(0, 8, 0))).as("the first").isFalse();
    for (int clock = 1; clock < 6; clock++) {
      assertThat(unchanged.isUnchanged(shelf(clock, 8, 0))).as("clock %d", clock).isTrue();
    }
    assertThat(unchanged.isUnchanged(shelf(6, 8, 2))).as("two of forty are gone").isFalse();
    assertThat(unchanged.isUnchanged(shelf(7, 8, 2))).isTrue();
  }

  @Test
  void comparesWithTheLastKeptOneSoThatSlowChangesAddUp() throws Exception {
    Unchanged unchanged = new Unchanged(4);
    int kept = 0;
    for (int removed = 0; removed <= 20; removed++) {
      kept += unchanged.isUnchanged(shelf(removed, 0, removed)) ? 0 : 1;
    }
    assertThat(kept).isBetween(3, 15);
  }

  @Test
  void dropsNothingThatItCannotRead() throws Exception {
    Unchanged unchanged = new Unchanged(255);
    byte[] picture = shelf(0, 0, 0);
    assertThat(unchanged.isUnchanged(picture)).isFalse();

    assertThat(unchanged.isUnchanged(new byte[100])).isFalse();
    assertThat(unchanged.isUnchanged(Arrays.copyOf(picture, 300))).isFalse();
    assertThat(unchanged.isUnchanged(picture)).isTrue();
  }
}
