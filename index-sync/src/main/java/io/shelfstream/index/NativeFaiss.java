package io.shelfstream.index;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * One Faiss index outside the Java heap, and all native methods. The handle is a number of a table
 * in native code, never an address: after {@link #close} it is refused, and a search that runs then
 * finishes on memory that lives as long as it does. Searches may run side by side; a change must
 * exclude everything else, which {@link FaissIndex} sees to.
 *
 * <p>Wrong arguments throw {@link IllegalArgumentException} before Faiss sees them, all else {@link
 * IndexException}.
 */
final class NativeFaiss implements AutoCloseable {

  private final long handle;

  private NativeFaiss(long handle) {
    this.handle = handle;
  }

  static NativeFaiss create(String factory, int dimension, Metric metric) {
    NativeLibrary.require();
    return new NativeFaiss(create0(factory.getBytes(UTF_8), dimension, code(metric)));
  }

  static NativeFaiss read(Path file) {
    NativeLibrary.require();
    return new NativeFaiss(read0(file.toString().getBytes(UTF_8)));
  }

  int dimension() {
    return dimension0(handle);
  }

  long size() {
    return size0(handle);
  }

  boolean trained() {
    return trained0(handle);
  }

  Metric metric() {
    return metric0(handle) == code(Metric.L2) ? Metric.L2 : Metric.INNER_PRODUCT;
  }

  String type() {
    return new String(type0(handle), UTF_8);
  }

  /** Every id in the index, in no order. */
  long[] ids() {
    return ids0(handle);
  }

  /**
   * Learns from n rows.
   *
   * @param vectors direct, writable, in native order; n rows from its position
   */
  void train(FloatBuffer vectors, int n, int threads) {
    requireDirect(vectors);
    train0(handle, vectors, vectors.position(), n, threads);
  }

  /**
   * @param vectors direct, writable, in native order; ids.length rows from its position
   */
  void add(long[] ids, FloatBuffer vectors, int threads) {
    requireDirect(vectors);
    add0(handle, ids, vectors, vectors.position(), threads);
  }

  int remove(long[] ids, int threads) {
    return remove0(handle, ids, threads);
  }

  /**
   * @param queries direct, writable, in native order; n rows from its position
   * @param ids receives n × k ids, best first; -1 stands for "no more"
   * @param scores receives as many scores
   */
  void search(FloatBuffer queries, int n, int k, int threads, long[] ids, float[] scores) {
    requireDirect(queries);
    search0(handle, queries, queries.position(), n, k, threads, ids, scores);
  }

  /**
   * @param ids receives one for each of as many rows, from number {@code from} on
   * @param vectors direct, writable, in native order; receives the rows from its position
   */
  void rows(long from, long[] ids, FloatBuffer vectors) {
    requireDirect(vectors);
    copyRows0(handle, from, ids, vectors, vectors.position());
  }

  void reset() {
    reset0(handle);
  }

  void write(Path file) {
    write0(handle, file.toString().getBytes(UTF_8));
  }

  @Override
  public void close() {
    close0(handle);
  }

  static String libraryVersion() {
    return new String(version0(), UTF_8);
  }

  static String faissVersion() {
    return new String(faissVersion0(), UTF_8);
  }

  static String simdLevel() {
    return new String(simdLevel0(), UTF_8);
  }

  static String blas() {
    return new String(blas0(), UTF_8);
  }

  /** Mirrors enum class Metric in src/main/cpp/index.h. */
  private static int code(Metric metric) {
    return metric == Metric.L2 ? 1 : 0;
  }

  // Native code sees neither the byte order nor whether a buffer may be written to.
  private static void requireDirect(FloatBuffer vectors) {
    if (!DirectFloats.fits(vectors)) {
      throw new IllegalArgumentException(
          "buffer refused: direct, writable and %s expected, got %s of order %s%s"
              .formatted(
                  ByteOrder.nativeOrder(),
                  vectors.isDirect() ? "a direct one" : "a heap one",
                  vectors.order(),
                  vectors.isReadOnly() ? ", read-only" : ""));
    }
  }

  /** Called by native code: 0 is a wrong argument, the rest are {@link IndexException.Code}s. */
  private static RuntimeException failure(int failure, byte[] message) {
    String text = message == null ? "no message" : new String(message, UTF_8);
    if (failure == 0) {
      return new IllegalArgumentException(text);
    }
    return new IndexException(
        switch (failure) {
          case 1 -> IndexException.Code.CLOSED;
          case 2 -> IndexException.Code.NOT_TRAINED;
          case 3 -> IndexException.Code.UNSUPPORTED;
          case 4 -> IndexException.Code.FILE;
          case 5 -> IndexException.Code.OUT_OF_MEMORY;
          default -> IndexException.Code.FAISS;
        },
        text);
  }

  private static native byte[] version0();

  private static native byte[] faissVersion0();

  private static native byte[] simdLevel0();

  private static native byte[] blas0();

  /** Why the dynamic linker cannot load a library; null when it can. */
  static native byte @Nullable [] cannotLoad0(byte[] library);

  private static native long create0(byte[] factory, int dimension, int metric);

  private static native long read0(byte[] path);

  private static native void close0(long handle);

  private static native int dimension0(long handle);

  private static native long size0(long handle);

  private static native boolean trained0(long handle);

  private static native int metric0(long handle);

  private static native byte[] type0(long handle);

  private static native long[] ids0(long handle);

  private static native void train0(
      long handle, FloatBuffer vectors, int offset, int n, int threads);

  private static native void add0(
      long handle, long[] ids, FloatBuffer vectors, int offset, int threads);

  private static native int remove0(long handle, long[] ids, int threads);

  private static native void search0(
      long handle,
      FloatBuffer queries,
      int offset,
      int n,
      int k,
      int threads,
      long[] ids,
      float[] scores);

  private static native void copyRows0(
      long handle, long from, long[] ids, FloatBuffer vectors, int offset);

  private static native void reset0(long handle);

  private static native void write0(long handle, byte[] path);

  /** A file of binary codes: its type as bytes, its bits as a long[], ids as long[], codes. */
  static native Object[] readBinary0(byte[] path);

  static native void writeBinary0(byte[] path, byte[] type, int bits, long[] ids, byte[] codes);

  // Of segments; Segment and DeviceSearch are their only users.

  static native long makeBlock0(int dimension, int capacity);

  static native long makeIndex0(byte[] type, int dimension, int capacity);

  static native long makeLike0(long handle, int capacity);

  static native void closeSegment0(long handle);

  static native long openSegments0();

  static native void trainSegment0(long handle, long source);

  static native void appendFrom0(long handle, long source, int[] positions);

  static native void append0(long handle, FloatBuffer vectors, int offset, int n);

  static native void markDeleted0(long handle, int position, long sequence);

  static native void copy0(long handle, int[] positions, FloatBuffer out, int offset);

  static native void searchParameter0(long handle, int value);

  static native void requireUnitLength0(FloatBuffer vectors, int n, int dimension, float tolerance);

  static native int lists0(long handle);

  static native void copyCentres0(long handle, FloatBuffer out);

  static native void takeCentres0(long handle, FloatBuffer centres, int n);

  static native void copyLists0(long handle, int from, int[] out);

  static native void beginFilling0(long handle, int[] rowsOfGroups);

  static native ByteBuffer place0(long handle, int position, int n);

  static native void endFilling0(long handle);

  static native void copyDeleted0(long handle, long sequence, long[] out, int n);

  static native void mask0(
      long handle,
      int rows,
      @Nullable LongBuffer allowed,
      long sequence,
      int first,
      long[] positions);

  static native void score0(
      long[] segments,
      FloatBuffer queries,
      int offset,
      int n,
      int m,
      long[] labels,
      float[] scores);

  static native void searchSegments0(
      long[] segments,
      int[] rows,
      @Nullable LongBuffer @Nullable [] filters,
      long sequence,
      boolean exact,
      FloatBuffer queries,
      int offset,
      int n,
      int k,
      int threads,
      long[] labels,
      float[] scores);
}
