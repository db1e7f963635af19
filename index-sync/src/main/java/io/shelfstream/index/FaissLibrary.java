package io.shelfstream.index;

/**
 * The Faiss in use.
 *
 * @param faissVersion such as 1.12.0
 * @param simdLevel generic, avx2 or avx512
 * @param blas description of the BLAS inside it: version, options, processor type
 * @param gpus GPUs it can search on; 0 where it is built without, or CUDA finds none
 * @param threads most threads one call uses, see {@link #threads(int)}
 * @param source file it was loaded from, {@code jar:} and a path for the copy in the jar
 */
public record FaissLibrary(
    String faissVersion, String simdLevel, String blas, int gpus, int threads, String source) {

  /**
   * Loads the library when that has not happened yet.
   *
   * @throws IndexException with code LIBRARY when it cannot be loaded; the message has the remedy
   */
  public static FaissLibrary describe() {
    String source = NativeLibrary.require();
    return new FaissLibrary(
        NativeFaiss.faissVersion(),
        NativeFaiss.simdLevel(),
        NativeFaiss.blas(),
        CudaLibrary.gpus(),
        Threads.most(),
        source);
  }

  /**
   * Sets the most threads that one call may use from now on, for the whole process; batches of up
   * to 8 queries use one whatever it is. Callers × threads should not exceed the cores that ONNX
   * Runtime leaves.
   *
   * @param most 1 or more; the default is the number of processors, at most 4
   */
  public static void threads(int most) {
    Threads.most(most);
  }
}
