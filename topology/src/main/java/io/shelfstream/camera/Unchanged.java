package io.shelfstream.camera;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReadParam;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Finds pictures that show what the last kept one shows: both are made grey and 32 × 32 small, and
 * the mean difference of the grey values (0 to 255) is taken. So noise and the clock that cameras
 * write into their pictures hardly count. Used by one thread.
 */
final class Unchanged {
  private static final int SIDE = 32;

  /** Enough pixels for a mean of each cell that noise does not change. */
  private static final int READ_SIDE = 256;

  /** Pictures of more pixels are not decoded. */
  private static final long MOST_PIXELS = 64_000_000;

  private final double threshold;
  private double @Nullable [] kept;

  Unchanged(double threshold) {
    this.threshold = threshold;
  }

  /** Whether a picture may be dropped. One that cannot be read may not, and changes nothing. */
  boolean isUnchanged(byte[] picture) {
    double[] now;
    try {
      now = small(picture);
    } catch (IOException | RuntimeException e) { // readers throw anything on damaged files
      return false;
    }
    if (now == null || (kept != null && difference(now, kept) <= threshold)) {
      return now != null;
    }
    kept = now;
    return false;
  }

  private static double difference(double[] one, double[] other) {
    double sum = 0;
    for (int i = 0; i < one.length; i++) {
      sum += Math.abs(one[i] - other[i]);
    }
    return sum / one.length;
  }

  private static double @Nullable [] small(byte[] picture) throws IOException {
    try (ImageInputStream in = ImageIO.createImageInputStream(new ByteArrayInputStream(picture))) {
      Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
      if (!readers.hasNext()) {
        return null;
      }
      ImageReader reader = readers.next();
      try {
        reader.setInput(in, true, true);
        int width = reader.getWidth(0);
        int height = reader.getHeight(0);
        if ((long) width * height > MOST_PIXELS) {
          return null;
        }
        ImageReadParam few = reader.getDefaultReadParam();
        few.setSourceSubsampling(
            Math.max(1, width / READ_SIDE), Math.max(1, height / READ_SIDE), 0, 0);
        return means(reader.read(0, few));
      } finally {
        reader.dispose();
      }
    }
  }

  private static double[] means(BufferedImage picture) {
    double[] sums = new double[SIDE * SIDE];
    int[] counts = new int[SIDE * SIDE];
    for (int y = 0; y < picture.getHeight(); y++) {
      for (int x = 0; x < picture.getWidth(); x++) {
        int rgb = picture.getRGB(x, y);
        int cell = y * SIDE / picture.getHeight() * SIDE + x * SIDE / picture.getWidth();
        sums[cell] +=
            0.299 * ((rgb >> 16) & 0xFF) + 0.587 * ((rgb >> 8) & 0xFF) + 0.114 * (rgb & 0xFF);
        counts[cell]++;
      }
    }
    for (int i = 0; i < sums.length; i++) {
      sums[i] /= Math.max(1, counts[i]);
    }
    return sums;
  }
}
