package io.shelfstream.index;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;

/**
 * Vectors by position, compared by inner product: part of a gallery that is searched while it
 * changes. Rows are only appended; one that is replaced or removed is buried, and searches as of
 * that moment or later pass over it.
 *
 * <p>One writer at a time, any number of searches beside it, no lock: a search says how many rows
 * it sees and as of when. Close it only when no search can start on it any more; one that is
 * running finishes.
 */
public final class Segment implements AutoCloseable {

  private final long handle;
  private final int dimension;
  private final int capacity;

  private Segment(long handle, int dimension, int capacity) {
    this.handle = handle;
    this.dimension = dimension;
    this.capacity = capacity;
  }

  /**
   * An empty block of plain rows, compared one by one. It may be appended to while it is searched.
   * Memory is taken as rows come.
   */
  public static Segment block(int dimension, int capacity) {
    NativeLibrary.require();
    return new Segment(NativeFaiss.makeBlock0(dimension, capacity), dimension, capacity);
  }

  /**
   * An empty Faiss index, to be filled before it is searched.
   *
   * @param type factory string of a type that gives its vectors back: Flat, SQfp16, HNSW or IVF of
   *     these
   * @throws IllegalArgumentException for any other type
   */
  public static Segment index(String type, int dimension, int capacity) {
    NativeLibrary.require();
    return new Segment(
        NativeFaiss.makeIndex0(type.getBytes(UTF_8), dimension, capacity), dimension, capacity);
  }

  /** An empty index like this one, trained as it is and with its effort. */
  public Segment like(int capacity) {
    return new Segment(NativeFaiss.makeLike0(handle, capacity), dimension, capacity);
  }

  /** Segments that are not closed, in the whole process: what a leak shows in. */
  public static long open() {
    NativeLibrary.require();
    return NativeFaiss.openSegments0();
  }

  public int dimension() {
    return dimension;
  }

  /** Rows there is room for. */
  public int capacity() {
    return capacity;
  }

  /** Learns the list centres of an inverted file from all rows of another segment. */
  public void trainFrom(Segment sample) {
    NativeFaiss.trainSegment0(handle, sample.handle);
  }

  /**
   * Appends rows.
   *
   * @param vectors n × dimension values, row-major, finite; from position to limit
   * @throws IllegalArgumentException when a number is wrong or there is no room: nothing was
   *     appended then
   */
  public void append(FloatBuffer vectors) {
    try (DirectFloats direct = DirectFloats.of(vectors)) {
      FloatBuffer floats = direct.floats();
      NativeFaiss.append0(handle, floats, floats.position(), Vectors.count(vectors, dimension));
    }
  }

  /** Appends the rows at these positions of another segment. */
  public void appendFrom(Segment source, int[] positions) {
    NativeFaiss.appendFrom0(handle, source.handle, positions);
  }

  /**
   * Hides a row from searches as of a moment and later.
   *
   * @param at 1 or later
   */
  public void bury(int position, long at) {
    NativeFaiss.bury0(handle, position, at);
  }

  /** Gives the rows at these positions, in their order, ready to be read. */
  public FloatBuffer copy(int[] positions) {
    FloatBuffer rows = buffer(positions.length, dimension);
    copy(positions, rows);
    return rows;
  }

  /** Copies the rows at these positions into the first places of a {@link #buffer}. */
  public void copy(int[] positions, FloatBuffer rows) {
    NativeFaiss.copy0(handle, positions, rows, 0);
  }

  /** A buffer that holds n rows. */
  public static FloatBuffer buffer(int n, int dimension) {
    return ByteBuffer.allocateDirect(Math.multiplyExact(n, dimension * Float.BYTES))
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  /**
   * How much of an approximate index a search looks at: lists of an inverted file (Faiss's nprobe)
   * or candidates of a graph (efSearch). Before the first search.
   */
  public void effort(int effort) {
    NativeFaiss.effort0(handle, effort);
  }

  /** The first rows of a segment. */
  public record View(Segment segment, int rows) {}

  /**
   * Searches segments together.
   *
   * @param views at least one
   * @param asOf rows buried then or before are passed over
   * @param exact compare with every row, whatever the type: to measure recall
   * @param queries n × dimension values, row-major, finite; from position to limit
   * @param k neighbours wanted, at most as many as there are live rows
   * @return for each query the nearest live rows, best first; ids as {@link #view} and {@link
   *     #position} read them
   */
  public static Neighbor[][] search(
      List<View> views, long asOf, boolean exact, FloatBuffer queries, int k) {
    return search(
        views,
        asOf,
        exact,
        queries,
        k,
        Threads.forBatch(Vectors.count(queries, views.get(0).segment.dimension)));
  }

  /** The same with one thread: for work in the background. */
  public static Neighbor[][] searchQuietly(
      List<View> views, long asOf, boolean exact, FloatBuffer queries, int k) {
    return search(views, asOf, exact, queries, k, 1);
  }

  private static Neighbor[][] search(
      List<View> views, long asOf, boolean exact, FloatBuffer queries, int k, int threads) {
    int rows = Vectors.count(queries, views.get(0).segment.dimension);
    long[] handles = views.stream().mapToLong(view -> view.segment.handle).toArray();
    int[] seen = views.stream().mapToInt(View::rows).toArray();
    int wanted = Vectors.requireNeighbors(k, Integer.MAX_VALUE, rows);
    long[] labels = new long[rows * wanted];
    float[] scores = new float[rows * wanted];
    try (DirectFloats direct = DirectFloats.of(queries)) {
      FloatBuffer floats = direct.floats();
      NativeFaiss.searchSegments0(
          handles,
          seen,
          asOf,
          exact,
          floats,
          floats.position(),
          rows,
          wanted,
          threads,
          labels,
          scores);
    }
    Neighbor[][] neighbors = new Neighbor[rows][];
    for (int row = 0; row < rows; row++) {
      neighbors[row] = Ranking.of(labels, scores, row * wanted, wanted, Metric.INNER_PRODUCT);
    }
    return neighbors;
  }

  /** Number of the view that a neighbour's id lies in. */
  public static int view(long id) {
    return (int) (id >>> Integer.SIZE);
  }

  /** Position in the segment of that view. */
  public static int position(long id) {
    return (int) id;
  }

  /** Frees native memory. Idempotent. */
  @Override
  public void close() {
    NativeFaiss.closeSegment0(handle);
  }
}
