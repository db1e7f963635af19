package io.shelfstream.index;

import java.nio.FloatBuffer;

/**
 * Something beside the CPU that keeps vectors and compares with all of them. Not safe for threads:
 * its {@link DeviceThread} is the only one that calls it and what it makes.
 */
interface Device extends AutoCloseable {

  /** Most neighbours that one search gives. */
  int mostNeighbors();

  /**
   * Makes room for vectors, still empty.
   *
   * @param half keep values in 16 bits
   */
  Rows rows(int dimension, boolean half);

  @Override
  void close();

  /** Vectors by position, compared by inner product. */
  interface Rows extends AutoCloseable {

    /**
     * Appends vectors.
     *
     * @param vectors n × dimension values in a direct buffer of native order, from position to
     *     limit
     * @throws IndexException with code OUT_OF_MEMORY when there is no room
     */
    void append(FloatBuffer vectors);

    /**
     * Finds the nearest of each query.
     *
     * @param queries as for {@link #append}
     * @param k at most as many as there are rows, and as {@link #mostNeighbors}
     * @param positions receives n × k positions, best first; -1 stands for "no more"
     * @param scores receives as many scores
     */
    void search(FloatBuffer queries, int n, int k, long[] positions, float[] scores);

    @Override
    void close();
  }
}
