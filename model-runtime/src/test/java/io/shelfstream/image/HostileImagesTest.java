package io.shelfstream.image;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.Golden;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

/** Damaged files end in an image or in a reason, never in anything else. */
class HostileImagesTest {
  private static final long SEED = 20261124;
  private static final int CASES = 400;
  private static final List<String> FILES =
      List.of(
          "exif6.jpg",
          "progressive.jpg",
          "cmyk.jpg",
          "palette-transparent.png",
          "sixteen-bit.png",
          "animated.png",
          "exif6.png",
          "lossy.webp",
          "lossless.webp",
          "animated.webp",
          "alpha.bmp",
          "run-length.bmp");

  @Test
  void mutatedFilesGiveAnImageOrAReason() {
    Random random = new Random(SEED);
    ImageDecoder decoder = new ImageDecoder(new ImageLimits(1 << 20, 4_000_000));
    Map<ImageException.Reason, Integer> refused = new EnumMap<>(ImageException.Reason.class);
    long before = Pointer.physicalBytes();
    int images = 0;

    for (int i = 0; i < CASES; i++) {
      byte[] mutated = mutate(Golden.bytes("golden/images/" + FILES.get(i % FILES.size())), random);
      try (Image image = decoder.decode(mutated)) {
        assertThat((long) image.width() * image.height()).isBetween(1L, 4_000_000L);
        images++;
      } catch (ImageException e) {
        refused.merge(e.reason(), 1, Integer::sum);
      }
    }

    assertThat(images).as("mutants that decode, seed %d", SEED).isPositive();
    assertThat(refused).containsKey(ImageException.Reason.CORRUPT_IMAGE);
    assertThat(Pointer.physicalBytes() - before).isLessThan(256L << 20);
  }

  /** Bytes set at random, mostly near the start where headers are; cuts; parts doubled. */
  static byte[] mutate(byte[] file, Random random) {
    byte[] mutant = file.clone();
    int changes = 1 + random.nextInt(8);
    for (int i = 0; i < changes; i++) {
      int span = random.nextBoolean() ? Math.min(mutant.length, 64) : mutant.length;
      int at = random.nextInt(span);
      mutant[at] =
          switch (random.nextInt(4)) {
            case 0 -> (byte) random.nextInt(256);
            case 1 -> (byte) (mutant[at] ^ 1 << random.nextInt(8));
            case 2 -> (byte) 0xFF;
            default -> 0;
          };
    }
    return switch (random.nextInt(6)) {
      case 0 -> Arrays.copyOf(mutant, 1 + random.nextInt(mutant.length));
      case 1 -> {
        int from = random.nextInt(mutant.length);
        int to = from + random.nextInt(mutant.length - from);
        byte[] doubled = Arrays.copyOf(mutant, mutant.length + to - from);
        System.arraycopy(mutant, from, doubled, to, mutant.length - from);
        yield doubled;
      }
      default -> mutant;
    };
  }
}
