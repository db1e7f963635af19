package io.shelfstream.index;

import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/**
 * Exact search in plain Java: what other indexes are measured against, and a stand-in where native
 * code is not wanted. Compares a query with every vector. One lock for everything.
 */
public final class FlatIndex implements VectorIndex {

  private final int dimension;
  private final Metric metric;
  private final List<Row> rows = new ArrayList<>();
  private final Map<Long, Integer> positions = new HashMap<>();
  private boolean closed;

  /** A vector under its id. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  record Row(long id, float[] vector) {}

  public FlatIndex(int dimension, Metric metric) {
    Vectors.requireDimension(dimension);
    this.dimension = dimension;
    this.metric = metric;
  }

  @Override
  public synchronized int dimension() {
    requireOpen();
    return dimension;
  }

  @Override
  public synchronized long size() {
    requireOpen();
    return rows.size();
  }

  @Override
  public synchronized String type() {
    requireOpen();
    return "Flat";
  }

  @Override
  public synchronized Metric metric() {
    requireOpen();
    return metric;
  }

  @Override
  public synchronized void add(long[] ids, FloatBuffer vectors) {
    requireOpen();
    int count = Vectors.require(vectors, dimension, metric);
    Vectors.requireSameCount(ids, count);
    Vectors.requireIds(ids);
    for (long id : ids) {
      if (positions.containsKey(id)) {
        throw new IllegalArgumentException("id " + id + " refused: it is in the index");
      }
    }
    FloatBuffer source = vectors.duplicate();
    for (long id : ids) {
      float[] vector = new float[dimension];
      source.get(vector);
      positions.put(id, rows.size());
      rows.add(new Row(id, vector));
    }
  }

  @Override
  public synchronized int remove(long[] ids) {
    requireOpen();
    int before = rows.size();
    for (long id : ids) {
      Integer position = positions.remove(id);
      if (position != null) {
        // The last row takes the empty place: order means nothing here.
        Row last = rows.remove(rows.size() - 1);
        if (last.id() != id) {
          rows.set(position, last);
          positions.put(last.id(), position);
        }
      }
    }
    return before - rows.size();
  }

  @Override
  public synchronized Neighbor[][] search(FloatBuffer queries, int k) {
    requireOpen();
    int count = Vectors.require(queries, dimension, metric);
    int found = Vectors.requireNeighbors(k, rows.size(), count);
    FloatBuffer source = queries.duplicate();
    Neighbor[][] neighbors = new Neighbor[count][];
    float[] query = new float[dimension];
    for (int i = 0; i < count; i++) {
      source.get(query);
      neighbors[i] = nearest(query, found);
    }
    return neighbors;
  }

  private Neighbor[] nearest(float[] query, int k) {
    // The farthest of the best k is at the head, to be pushed out.
    PriorityQueue<Neighbor> best = new PriorityQueue<>(k + 1, Ranking.order(metric).reversed());
    for (Row row : rows) {
      best.add(new Neighbor(row.id(), score(query, row.vector())));
      if (best.size() > k) {
        best.poll();
      }
    }
    Neighbor[] hits = best.toArray(new Neighbor[0]);
    Arrays.sort(hits, Ranking.order(metric));
    return hits;
  }

  private float score(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < dimension; i++) {
      double difference = (double) a[i] - b[i];
      sum += metric == Metric.L2 ? difference * difference : (double) a[i] * b[i];
    }
    return (float) sum;
  }

  @Override
  public synchronized void reset() {
    requireOpen();
    rows.clear();
    positions.clear();
  }

  @Override
  public synchronized void write(Path file) {
    requireOpen();
    AtomicFile.write(file, draft -> FlatFile.write(draft, dimension, metric, rows));
  }

  @Override
  public synchronized void close() {
    closed = true;
    rows.clear();
    positions.clear();
  }

  private void requireOpen() {
    if (closed) {
      throw new IndexException(IndexException.Code.CLOSED, "the index is closed");
    }
  }
}
