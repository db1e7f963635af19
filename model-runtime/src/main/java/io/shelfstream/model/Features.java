package io.shelfstream.model;

/**
 * What becomes of the values that an extractor gives. Bits are vectors of unit length as well: D
 * values of 1/√D for a one and -1/√D for a zero, whose inner product is 1 - 2d/D, with d the
 * Hamming distance.
 */
public enum Features {
  /** They are divided by their length, and compared by inner product. */
  UNIT,
  /** A positive value is a one, every other a zero, as PaddleClas's Binarize has it. */
  SIGN,
  /** A value that rounds to 1 is a one: for extractors that give values from 0 to 1. */
  ROUND;

  /** Whether only bits are kept of them. */
  public boolean areBits() {
    return this != UNIT;
  }

  /**
   * The number of different bits behind an inner product of bits.
   *
   * @param score 1 - 2d/D, -1 to 1
   * @param dimension D, the bits of a vector
   */
  public static int distance(float score, int dimension) {
    return Math.round((1 - score) * dimension / 2);
  }

  /** The bit that a value becomes; a half rounds to 1, as 1.5 does to 2 in the reference. */
  public boolean isOne(float value) {
    return this == ROUND ? value >= 0.5f : value > 0;
  }
}
