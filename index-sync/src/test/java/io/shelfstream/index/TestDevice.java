package io.shelfstream.index;

import java.nio.FloatBuffer;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Faiss on the CPU in the place of a GPU. As strict as one: a call from another thread than its
 * first, or with a buffer that native code cannot read, is an error.
 */
public final class TestDevice implements Device {

  final AtomicInteger searches = new AtomicInteger();
  final AtomicInteger rows = new AtomicInteger();
  final int mostNeighbors;
  final int mostRows;
  volatile boolean broken;
  volatile boolean closed;
  private volatile @Nullable Thread owner;
  private final Set<FaissIndex> open = ConcurrentHashMap.newKeySet();

  TestDevice(int mostNeighbors, int mostRows) {
    this.mostNeighbors = mostNeighbors;
    this.mostRows = mostRows;
  }

  TestDevice() {
    this(2048, Integer.MAX_VALUE);
  }

  /** Devices that take copies of at least so many rows, and at most so many bytes. */
  static Accelerator accelerator(int leastRows, int copyBytes, TestDevice... devices) {
    return new Accelerator(
        IntStream.range(0, devices.length)
            .mapToObj(i -> DeviceThread.start("test-" + i, () -> devices[i], 0))
            .toList(),
        leastRows,
        copyBytes);
  }

  /** One device for the tests of other packages. */
  public static Accelerator accelerator(int leastRows) {
    return accelerator(leastRows, 1 << 20, new TestDevice());
  }

  private void requireOwner() {
    Thread thread = Thread.currentThread();
    if (owner == null) {
      owner = thread;
    }
    if (owner != thread || closed) {
      throw new IllegalStateException("called by " + thread + " after " + owner + ", " + closed);
    }
    if (broken) {
      throw new IndexException(IndexException.Code.FAISS, "broken for a test");
    }
  }

  @Override
  public int mostNeighbors() {
    return mostNeighbors;
  }

  @Override
  public Rows rows(int dimension, boolean half) {
    requireOwner();
    FaissIndex index = FaissIndex.create("Flat", dimension, Metric.INNER_PRODUCT);
    open.add(index);
    return new Rows() {
      @Override
      public void append(FloatBuffer vectors) {
        requireOwner();
        requireDirect(vectors);
        int count = vectors.remaining() / dimension;
        if (rows.addAndGet(count) > mostRows) {
          rows.addAndGet(-count);
          throw new IndexException(IndexException.Code.OUT_OF_MEMORY, "full for a test");
        }
        index.add(LongStream.range(index.size(), index.size() + count).toArray(), vectors);
      }

      @Override
      public void search(FloatBuffer queries, int n, int k, long[] positions, float[] scores) {
        requireOwner();
        requireDirect(queries);
        searches.incrementAndGet();
        if (k > mostNeighbors || k > index.size()) {
          throw new IllegalStateException("k " + k);
        }
        Neighbor[][] found =
            index.search(queries.duplicate().limit(queries.position() + n * dimension), k);
        for (int i = 0; i < n * k; i++) {
          positions[i] = found[i / k][i % k].id();
          scores[i] = found[i / k][i % k].score();
        }
      }

      @Override
      public void close() {
        if (Thread.currentThread() != owner || !open.remove(index)) {
          throw new IllegalStateException("closed twice, or by " + Thread.currentThread());
        }
        rows.addAndGet((int) -index.size());
        index.close();
      }
    };
  }

  /** Copies that are not freed yet. */
  int copies() {
    return open.size();
  }

  private static void requireDirect(FloatBuffer vectors) {
    if (!DirectFloats.fits(vectors)) {
      throw new IllegalStateException("not a buffer for native code");
    }
  }

  @Override
  public void close() {
    if (!open.isEmpty()) {
      throw new IllegalStateException("closed with rows " + List.copyOf(open));
    }
    closed = true;
  }
}
