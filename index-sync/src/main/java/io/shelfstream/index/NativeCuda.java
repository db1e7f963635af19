package io.shelfstream.index;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.FloatBuffer;

/** One GPU through Faiss, and all native methods of that library; {@link CudaLibrary} loads it. */
final class NativeCuda implements Device {

  /** Mirrors CudaRows::kMaxNeighbors in src/main/cpp/cuda_rows.h. */
  static final int MOST_NEIGHBORS = 2048;

  private final long handle;

  private NativeCuda(long handle) {
    this.handle = handle;
  }

  /** Opens a GPU; see {@link DeviceOptions} for the numbers. */
  static NativeCuda open(int number, long temporaryMemory) {
    return new NativeCuda(openDevice0(number, temporaryMemory));
  }

  static String libraryVersion() {
    return new String(version0(), UTF_8);
  }

  static int count() {
    return count0();
  }

  /** CUDA's reason for finding no GPU; empty where it finds one. */
  static String whyNone() {
    return new String(whyNone0(), UTF_8);
  }

  @Override
  public int mostNeighbors() {
    return MOST_NEIGHBORS;
  }

  @Override
  public Rows rows(int dimension, boolean half) {
    return new CudaRows(makeRows0(handle, dimension, half), dimension);
  }

  @Override
  public void close() {
    closeDevice0(handle);
  }

  /** Such as "NVIDIA L4, 22563 MiB". */
  @Override
  public String toString() {
    return new String(deviceName0(handle), UTF_8);
  }

  private record CudaRows(long handle, int dimension) implements Rows {

    @Override
    public void append(FloatBuffer vectors) {
      append0(handle, vectors, vectors.position(), Vectors.count(vectors, dimension));
    }

    @Override
    public void search(FloatBuffer queries, int n, int k, long[] positions, float[] scores) {
      search0(handle, queries, queries.position(), n, k, positions, scores);
    }

    @Override
    public void close() {
      closeRows0(handle);
    }
  }

  private static native byte[] version0();

  private static native int count0();

  private static native byte[] whyNone0();

  private static native long openDevice0(int number, long temporaryBytes);

  private static native byte[] deviceName0(long device);

  private static native void closeDevice0(long device);

  private static native long makeRows0(long device, int dimension, boolean half);

  private static native void append0(long rows, FloatBuffer vectors, int offset, int n);

  private static native void search0(
      long rows, FloatBuffer queries, int offset, int n, int k, long[] positions, float[] scores);

  private static native void closeRows0(long rows);
}
