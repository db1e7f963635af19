package io.shelfstream.index;

import java.nio.FloatBuffer;
import java.nio.file.Path;

/**
 * Nearest neighbours by inner product or squared distance. Searches may run side by side; a change
 * waits for them and they for it: implementations hold the lock, callers need none.
 */
public interface VectorIndex extends AutoCloseable {

  int dimension();

  long size();

  /** The Faiss factory string this index was made from, such as {@code Flat} or {@code HNSW32}. */
  String type();

  Metric metric();

  /**
   * Adds vectors.
   *
   * @param ids one a vector, 0 or larger, new to the index and distinct
   * @param vectors ids.length × dimension values, row-major, finite; from position to limit
   * @throws IllegalArgumentException when a number is wrong: nothing was added then
   * @throws IndexException when the index fails or is closed
   */
  void add(long[] ids, FloatBuffer vectors);

  /**
   * Removes vectors by id; unknown ids are ignored. Returns how many went.
   *
   * @throws IndexException with code UNSUPPORTED for a type that cannot, such as HNSW
   */
  int remove(long[] ids);

  /**
   * Finds the nearest neighbours of each query.
   *
   * @param queries n × dimension values, row-major, finite; from position to limit
   * @param k neighbours wanted, 1 or more
   * @return for each query up to k neighbours, nearest first, ties by smaller id; fewer when the
   *     index holds fewer or a graph search reaches fewer. Which of several that tie at the k-th
   *     place are among them is up to the index
   * @throws IllegalArgumentException when a number is wrong, a query is no finite vector of this
   *     dimension, or is all zeros where direction counts
   * @throws IndexException when the index fails or is closed
   */
  Neighbor[][] search(FloatBuffer queries, int k);

  /** Empties the index. */
  void reset();

  /** Writes the index in Faiss's own format, whole or not at all. */
  void write(Path file);

  /** Frees native memory. Idempotent; every other call afterwards throws {@link IndexException}. */
  @Override
  void close();
}
