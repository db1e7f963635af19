package io.shelfstream.index;

/**
 * What is refused before it reaches native code. Mirrored in src/main/cpp/limits.h; change both.
 */
final class Limits {

  /** Values of a vector; well above any feature extractor. */
  static final int MAX_DIMENSION = 65_536;

  /** Neighbours of one query; enough to rank a gallery of a million photos completely. */
  static final int MAX_NEIGHBORS = 1 << 20;

  /** Queries × neighbours of one search: 192 MB of results. */
  static final int MAX_RESULTS = 1 << 24;

  /**
   * Largest magnitude of a value, some 1.1e15: the square of a sum of differences over {@link
   * #MAX_DIMENSION} still fits a float. Beyond it distances overflow to NaN, and a NaN sends a
   * graph search astray.
   */
  static final float MAX_MAGNITUDE = 0x1p50f;

  private Limits() {}
}
