package io.shelfstream.gallery;

import io.shelfstream.index.FlatIndex;
import io.shelfstream.index.Metric;
import io.shelfstream.index.Neighbor;
import io.shelfstream.index.VectorIndex;
import java.nio.FloatBuffer;
import java.nio.file.Path;

/** An exact index that counts changes: a gallery must leave it alone when only words change. */
final class CountingIndex implements VectorIndex {

  private final VectorIndex index;
  private int changes;

  CountingIndex(int dimension) {
    index = new FlatIndex(dimension, Metric.INNER_PRODUCT);
  }

  int changes() {
    return changes;
  }

  @Override
  public void add(long[] ids, FloatBuffer vectors) {
    changes++;
    index.add(ids, vectors);
  }

  @Override
  public int remove(long[] ids) {
    changes++;
    return index.remove(ids);
  }

  @Override
  public void reset() {
    changes++;
    index.reset();
  }

  @Override
  public int dimension() {
    return index.dimension();
  }

  @Override
  public long size() {
    return index.size();
  }

  @Override
  public String type() {
    return index.type();
  }

  @Override
  public Metric metric() {
    return index.metric();
  }

  @Override
  public Neighbor[][] search(FloatBuffer queries, int k) {
    return index.search(queries, k);
  }

  @Override
  public void write(Path file) {
    index.write(file);
  }

  @Override
  public void close() {
    index.close();
  }
}
