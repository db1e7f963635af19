package io.shelfstream.index;

import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * A Faiss index. Vectors may lie in any buffer: direct ones in native byte order are read in place,
 * others are copied.
 *
 * <p>Safe for threads: searches share the index, a change excludes them. {@link #close} does not
 * wait: what runs finishes, what comes later is refused.
 */
public final class FaissIndex implements VectorIndex {

  private final NativeFaiss faiss;
  private final int dimension;
  private final Metric metric;
  private final ReadWriteLock lock = new ReentrantReadWriteLock();

  private FaissIndex(NativeFaiss faiss) {
    this.faiss = faiss;
    this.dimension = faiss.dimension();
    this.metric = faiss.metric();
  }

  /**
   * An empty index.
   *
   * @param factory Faiss factory string: {@code Flat}, {@code SQ4|SQ6|SQ8|SQfp16}, {@code PQ<m>},
   *     {@code HNSW<M>[,<storage>]} or {@code IVF<n>[_HNSW<M>],<codes>}; a leading {@code IDMap2,}
   *     changes nothing, as ids are kept for every type
   * @param dimension values of a vector, 1 to 65,536
   * @throws IllegalArgumentException for any other type, and for numbers it cannot have
   */
  public static FaissIndex create(String factory, int dimension, Metric metric) {
    return new FaissIndex(NativeFaiss.create(factory, dimension, metric));
  }

  /**
   * Reads an index that this class, Faiss or PaddleClas wrote. Vectors written without ids get
   * their positions as ids. Sizes, links and ids in the file are checked; a changed value of a
   * vector cannot be seen, as Faiss's format has no checksum.
   *
   * @throws IndexException with code FILE when the file is missing or damaged, UNSUPPORTED when it
   *     holds an index of another kind
   */
  public static FaissIndex read(Path file) {
    if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
      throw new IndexException(
          IndexException.Code.FILE,
          "cannot read index " + file + ": no such file, or it may not be read");
    }
    return new FaissIndex(NativeFaiss.read(file));
  }

  @Override
  public int dimension() {
    return faiss.dimension();
  }

  @Override
  public long size() {
    return locked(lock.readLock(), faiss::size);
  }

  @Override
  public String type() {
    return faiss.type();
  }

  @Override
  public Metric metric() {
    return faiss.metric();
  }

  /** Whether vectors may be added; false for a new IVF, PQ or SQ index. */
  public boolean trained() {
    return locked(lock.readLock(), faiss::trained);
  }

  /** Every id in the index, in no order. */
  public long[] ids() {
    return locked(lock.readLock(), faiss::ids);
  }

  /**
   * Gives the vectors back, in the order in which they lie, which a change may change.
   *
   * @param from number of the first, from 0
   * @param vectors direct, of native order; receives as many as it has room for from its position
   * @return their ids
   * @throws IndexException with code UNSUPPORTED for a type that keeps codes only, such as PQ or
   *     SQ8
   * @throws IllegalArgumentException when there are not so many
   */
  public long[] rows(long from, FloatBuffer vectors) {
    long[] ids = new long[Vectors.count(vectors, dimension)];
    locked(lock.readLock(), () -> faiss.rows(from, ids, vectors));
    return ids;
  }

  /**
   * Learns list centres and codes from typical vectors; needed once, before the first {@link #add},
   * for IVF, PQ and SQ.
   *
   * @param vectors n × dimension values, row-major, finite; some 40 for each list or centroid
   * @throws IllegalArgumentException when a number is wrong or the index holds vectors already
   * @throws IndexException with code FAISS when they are too few
   */
  public void train(FloatBuffer vectors) {
    int rows = Vectors.count(vectors, dimension);
    try (DirectFloats direct = DirectFloats.of(vectors)) {
      locked(lock.writeLock(), () -> faiss.train(direct.floats(), rows, Threads.most()));
    }
  }

  @Override
  public void add(long[] ids, FloatBuffer vectors) {
    int rows = Vectors.count(vectors, dimension);
    Vectors.requireSameCount(ids, rows);
    try (DirectFloats direct = DirectFloats.of(vectors)) {
      locked(lock.writeLock(), () -> faiss.add(ids, direct.floats(), Threads.forBatch(rows)));
    }
  }

  @Override
  public int remove(long[] ids) {
    return locked(lock.writeLock(), () -> faiss.remove(ids, Threads.forBatch(ids.length)));
  }

  @Override
  public Neighbor[][] search(FloatBuffer queries, int k) {
    int rows = Vectors.count(queries, dimension);
    try (DirectFloats direct = DirectFloats.of(queries)) {
      return locked(lock.readLock(), () -> search(direct.floats(), rows, k));
    }
  }

  private Neighbor[][] search(FloatBuffer queries, int rows, int k) {
    int found = Vectors.requireNeighbors(k, faiss.size(), rows);
    if (found == 0) {
      return new Neighbor[rows][0];
    }
    long[] ids = new long[rows * found];
    float[] scores = new float[rows * found];
    faiss.search(queries, rows, found, Threads.forBatch(rows), ids, scores);
    Neighbor[][] neighbors = new Neighbor[rows][];
    for (int row = 0; row < rows; row++) {
      neighbors[row] = Ranking.of(ids, scores, row * found, found, metric);
    }
    return neighbors;
  }

  @Override
  public void reset() {
    locked(lock.writeLock(), faiss::reset);
  }

  @Override
  public void write(Path file) {
    AtomicFile.write(file, draft -> locked(lock.readLock(), () -> faiss.write(draft)));
  }

  @Override
  public void close() {
    faiss.close();
  }

  private interface Call<T> {
    T run();
  }

  private static <T> T locked(Lock lock, Call<T> call) {
    lock.lock();
    try {
      return call.run();
    } finally {
      lock.unlock();
    }
  }

  private static void locked(Lock lock, Runnable call) {
    lock.lock();
    try {
      call.run();
    } finally {
      lock.unlock();
    }
  }
}
