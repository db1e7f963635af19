package io.shelfstream.index;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Vectors by position, compared by inner product: part of a gallery that is searched while it
 * changes. Rows are only appended; one that is replaced or removed is marked deleted with the
 * sequence number of the change, and searches at that number or later pass over it.
 *
 * <p>One writer at a time, any number of searches beside it, no lock: a search says how many rows
 * it sees, and up to which sequence number it sees deletions. Close it only when no search can
 * start on it any more; one that is running finishes.
 */
public final class Segment implements AutoCloseable {

  private final long handle;
  private final int dimension;
  private final int capacity;
  private final IndexType type;
  private volatile int searchParameter = 1;

  /** Of its first rows, without a gap; only one thread adds to them. */
  private volatile List<CopiedRows> copies = List.of();

  private Segment(long handle, IndexType type, int dimension, int capacity) {
    this.handle = handle;
    this.type = type;
    this.dimension = dimension;
    this.capacity = capacity;
  }

  /**
   * An empty block of plain rows, compared one by one. It may be appended to while it is searched.
   * Memory is taken as rows come.
   */
  public static Segment block(int dimension, int capacity) {
    NativeLibrary.require();
    return new Segment(
        NativeFaiss.makeBlock0(dimension, capacity), IndexType.FLAT, dimension, capacity);
  }

  /**
   * An empty index. One whose type {@link IndexType#grows} may be appended to while it is searched,
   * any other is to be filled before.
   *
   * @param type one that gives its vectors back: Flat, SQfp16, HNSW or IVF of these
   * @throws IllegalArgumentException for any other type
   */
  public static Segment index(IndexType type, int dimension, int capacity) {
    NativeLibrary.require();
    return new Segment(
        NativeFaiss.makeIndex0(type.name().getBytes(UTF_8), dimension, capacity),
        type,
        dimension,
        capacity);
  }

  /** An empty index like this one, trained as it is and with its search parameter. */
  public Segment like(int capacity) {
    Segment like = new Segment(NativeFaiss.makeLike0(handle, capacity), type, dimension, capacity);
    like.searchParameter = searchParameter;
    return like;
  }

  /** Segments that are not closed, in the whole process: what a leak shows in. */
  public static long open() {
    NativeLibrary.require();
    return NativeFaiss.openSegments0();
  }

  public int dimension() {
    return dimension;
  }

  IndexType type() {
    return type;
  }

  long handle() {
    return handle;
  }

  List<CopiedRows> copies() {
    return copies;
  }

  void add(CopiedRows copy) {
    List<CopiedRows> more = new ArrayList<>(copies);
    more.add(copy);
    copies = List.copyOf(more);
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
   * Hides a row from searches at a sequence number and later.
   *
   * @param sequence 1 or later
   */
  public void markDeleted(int position, long sequence) {
    NativeFaiss.markDeleted0(handle, position, sequence);
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
   * Sets how much of an approximate index a search looks at: Faiss's nprobe, the lists, of an
   * inverted file, or efSearch, the candidates, of a graph. Before the first search.
   */
  public void searchParameter(int value) {
    NativeFaiss.searchParameter0(handle, value);
    this.searchParameter = value;
  }

  /** What {@link #searchParameter(int)} was given last; 1 before that. */
  public int searchParameter() {
    return searchParameter;
  }

  /** Lists of an index whose type {@link IndexType#hasPlainLists}; 0 for any other type. */
  public int lists() {
    return NativeFaiss.lists0(handle);
  }

  /** Gives the centres of all lists, ready to be read. */
  public FloatBuffer centres() {
    FloatBuffer centres = buffer(lists(), dimension);
    NativeFaiss.copyCentres0(handle, centres);
    return centres;
  }

  /** Takes another's centres instead of training. */
  public void takeCentres(FloatBuffer centres) {
    try (DirectFloats direct = DirectFloats.of(centres)) {
      NativeFaiss.takeCentres0(handle, direct.floats(), Vectors.count(centres, dimension));
    }
  }

  /** Gives the lists of n rows. */
  public int[] listsOf(int from, int n) {
    int[] lists = new int[n];
    NativeFaiss.copyLists0(handle, from, lists);
    return lists;
  }

  /** Rows of a file. */
  public interface Source {

    /** Fills a buffer, from position to limit, with little-endian float32 of whole rows. */
    void read(ByteBuffer rows) throws IOException;
  }

  /**
   * Fills an empty segment with rows that are read straight into its memory; from several threads
   * and in any order, until {@link #finish}. Nothing else may touch the segment meanwhile.
   */
  public final class Filling {
    private final int rows;
    private final float tolerance;
    private final AtomicInteger filled = new AtomicInteger();

    private Filling(int rows, double tolerance) {
      this.rows = rows;
      this.tolerance = (float) tolerance;
    }

    /**
     * Takes n rows from a position on.
     *
     * @param atOnce rows asked of the source at a time, at most
     * @throws IllegalArgumentException when one is not of unit length
     */
    public void take(int position, int n, int atOnce, Source source) throws IOException {
      for (int at = position; at < position + n; ) {
        ByteBuffer place =
            NativeFaiss.place0(handle, at, Math.min(atOnce, position + n - at))
                .order(ByteOrder.nativeOrder());
        source.read(place.duplicate());
        int some = place.capacity() / Float.BYTES / dimension;
        NativeFaiss.requireUnitLength0(place.asFloatBuffer(), some, dimension, tolerance);
        filled.addAndGet(some);
        at += some;
      }
    }

    /** Shows all rows. */
    public void finish() {
      if (filled.get() != rows) {
        throw new IllegalStateException(filled.get() + " rows of " + rows + " were filled");
      }
      NativeFaiss.endFilling0(handle);
    }
  }

  /**
   * Begins to fill this segment.
   *
   * @param rows how many: of a block in one number, of an index whose type {@link
   *     IndexType#hasPlainLists} in one for each list, whose rows come one list after the other
   * @param tolerance how far a row's length may be from 1
   */
  public Filling fill(int[] rows, double tolerance) {
    NativeFaiss.beginFilling0(handle, rows);
    return new Filling(Arrays.stream(rows).sum(), tolerance);
  }

  /** Which of the first n rows are marked deleted at a sequence number or before. */
  public BitSet deleted(int n, long sequence) {
    long[] bits = new long[(n + Long.SIZE - 1) / Long.SIZE];
    NativeFaiss.copyDeleted0(handle, sequence, bits, n);
    return BitSet.valueOf(bits);
  }

  /**
   * The first rows of a segment.
   *
   * @param allowed which of them may be found: a bit a row, the first in the lowest, in a direct
   *     buffer of native order; null for all
   */
  public record View(Segment segment, int rows, @Nullable LongBuffer allowed) {

    /** All of the first rows. */
    public View(Segment segment, int rows) {
      this(segment, rows, null);
    }
  }

  /**
   * Searches segments together.
   *
   * @param views at least one
   * @param sequence rows marked deleted at this sequence number or before are passed over
   * @param exact compare with every row, whatever the type: to measure recall
   * @param queries n × dimension values, row-major, finite; from position to limit
   * @param k neighbours wanted, at most as many as there are live rows
   * @return for each query the nearest live rows, best first; ids as {@link #view} and {@link
   *     #position} read them
   */
  public static Neighbor[][] search(
      List<View> views, long sequence, boolean exact, FloatBuffer queries, int k) {
    return search(
        views,
        sequence,
        exact,
        queries,
        k,
        Threads.forBatch(Vectors.count(queries, views.get(0).segment.dimension)));
  }

  /** The same with one thread: for work in the background. */
  public static Neighbor[][] searchQuietly(
      List<View> views, long sequence, boolean exact, FloatBuffer queries, int k) {
    return search(views, sequence, exact, queries, k, 1);
  }

  /**
   * Refuses vectors that are not of unit length.
   *
   * @param vectors direct, n × dimension values from position to limit
   * @param tolerance of the length
   * @throws IllegalArgumentException naming the first one
   */
  public static void requireUnitLength(FloatBuffer vectors, int dimension, double tolerance) {
    try (DirectFloats direct = DirectFloats.of(vectors)) {
      int n = Vectors.count(vectors, dimension);
      NativeFaiss.requireUnitLength0(direct.floats(), n, dimension, (float) tolerance);
    }
  }

  private static Neighbor[][] search(
      List<View> views, long sequence, boolean exact, FloatBuffer queries, int k, int threads) {
    int rows = Vectors.count(queries, views.get(0).segment.dimension);
    long[] handles = views.stream().mapToLong(view -> view.segment.handle).toArray();
    int[] seen = views.stream().mapToInt(View::rows).toArray();
    @Nullable LongBuffer @Nullable [] allowed = filters(views);
    int wanted = Vectors.requireNeighbors(k, Integer.MAX_VALUE, rows);
    long[] labels = new long[rows * wanted];
    float[] scores = new float[rows * wanted];
    try (DirectFloats direct = DirectFloats.of(queries)) {
      FloatBuffer floats = direct.floats();
      NativeFaiss.searchSegments0(
          handles,
          seen,
          allowed,
          sequence,
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

  private static @Nullable LongBuffer @Nullable [] filters(List<View> views) {
    if (views.stream().allMatch(view -> view.allowed == null)) {
      return null;
    }
    @Nullable LongBuffer[] filters = new LongBuffer[views.size()];
    for (int i = 0; i < filters.length; i++) {
      LongBuffer filter = views.get(i).allowed;
      if (filter != null && filter.order() != ByteOrder.nativeOrder()) {
        throw new IllegalArgumentException("filter refused: it is not of native byte order");
      }
      filters[i] = filter;
    }
    return filters;
  }

  /** Number of the view that a neighbour's id lies in. */
  public static int view(long id) {
    return (int) (id >>> Integer.SIZE);
  }

  /** Position in the segment of that view. */
  public static int position(long id) {
    return (int) id;
  }

  /** Frees native memory, and copies on other devices. Idempotent. */
  @Override
  public void close() {
    copies.forEach(CopiedRows::close);
    copies = List.of();
    NativeFaiss.closeSegment0(handle);
  }
}
