package io.shelfstream.evaluate;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Parts of a gallery that are drawn by seeds, the same in every run. */
final class Draws {
  private Draws() {}

  /**
   * Products that stay when a share of them is left out.
   *
   * @param products number of products
   * @param leftOut share that is left out, 0 to 1
   */
  static boolean[] products(int products, double leftOut, int seed) {
    boolean[] stays = new boolean[products];
    int count = products - (int) Math.round(products * leftOut);
    shuffled(IntStream.range(0, products), new Random(seed)).stream()
        .limit(count)
        .forEach(product -> stays[product] = true);
    return stays;
  }

  /**
   * Photos of a gallery with so many photos of each product; all of a product that has fewer.
   *
   * @param photosOf indices of the photos of each product
   * @return indices, rising
   */
  static int[] photos(int[][] photosOf, int most, int seed) {
    Random random = new Random(seed);
    return Arrays.stream(photosOf)
        .flatMapToInt(
            photos -> shuffled(Arrays.stream(photos), random).stream().limit(most).mapToInt(i -> i))
        .sorted()
        .toArray();
  }

  private static List<Integer> shuffled(IntStream numbers, Random random) {
    List<Integer> list = numbers.boxed().collect(Collectors.toList());
    Collections.shuffle(list, random);
    return list;
  }
}
