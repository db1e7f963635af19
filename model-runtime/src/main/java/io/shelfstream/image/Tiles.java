package io.shelfstream.image;

import java.util.ArrayList;
import java.util.List;

/**
 * How an image is cut for a detector whose input is square. Tiles overlap by a fifth of their side
 * at least, so that what is smaller than that lies whole in one of them.
 *
 * @param along tiles along the longer side, 1 to {@link #MOST}; 1: the whole image, squeezed; 0: as
 *     the image's shape asks for
 */
public record Tiles(int along) {
  /** Most tiles along a side: each costs a run of the detector. */
  public static final int MOST = 16;

  /**
   * The whole image where its longer side is at most one and a half times the other, which squeezes
   * it little; otherwise squares as high as the shorter side.
   */
  public static final Tiles AUTO = new Tiles(0);

  /** The whole image, squeezed, whatever its shape. */
  public static final Tiles NONE = new Tiles(1);

  private static final double LEAST_OVERLAP = 0.2;
  private static final double LITTLE_SQUEEZED = 1.5;

  public Tiles {
    if (along < 0 || along > MOST) {
      throw new IllegalArgumentException("along expected to be 0 to " + MOST + ", got " + along);
    }
  }

  /**
   * Side of a model's input that shows an image as large as its tiles do.
   *
   * @param input side of the model's input, pixels
   */
  public int resolved(int input) {
    return input * Math.max(1, along);
  }

  /**
   * The tiles of an image, row by row.
   *
   * @return one to {@code MOST * MOST}, which cover it
   */
  public List<PixelBox> of(int width, int height) {
    int shorter = Math.min(width, height);
    int longer = Math.max(width, height);
    if (along == 1 || along == 0 && longer <= LITTLE_SQUEEZED * shorter) {
      return List.of(new PixelBox(0, 0, width, height));
    }
    int side = along == 0 ? Math.max(shorter, sideOf(MOST, longer)) : sideOf(along, longer);
    List<PixelBox> tiles = new ArrayList<>();
    for (int[] down : spans(height, side)) {
      for (int[] across : spans(width, side)) {
        tiles.add(new PixelBox(across[0], down[0], across[1], down[1]));
      }
    }
    return tiles;
  }

  /** Side of so many tiles that cover a length with the least overlap. */
  private static int sideOf(int count, int length) {
    return (int) Math.ceil(length / (count - (count - 1) * LEAST_OVERLAP));
  }

  /** Begin and end of the tiles along a length, evenly spread. */
  private static List<int[]> spans(int length, int side) {
    if (side >= length) {
      return List.of(new int[] {0, length});
    }
    double step = side * (1 - LEAST_OVERLAP);
    // Rounding up a side may leave a crumb that is worth no tile.
    int count = 1 + Math.max(1, (int) Math.ceil((length - side) / step - 0.01));
    List<int[]> spans = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      int begin = (int) Math.round((double) i * (length - side) / (count - 1));
      spans.add(new int[] {begin, begin + side});
    }
    return spans;
  }
}
