package io.shelfstream.index;

class FlatIndexTest extends VectorIndexContract {

  @Override
  VectorIndex create(int dimension, Metric metric) {
    return new FlatIndex(dimension, metric);
  }
}
