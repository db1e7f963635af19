package io.shelfstream.index;

/** OpenMP threads of a call. libgomp counts them for each calling thread, so every call says. */
final class Threads {

  /** Up to this many queries a second thread costs more to wake than it saves (measured). */
  private static final int SMALL_BATCH = 8;

  private static volatile int most =
      Math.min(4, Math.max(1, Runtime.getRuntime().availableProcessors()));

  private Threads() {}

  static int most() {
    return most;
  }

  static void most(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads " + threads + " refused: 1 or more expected");
    }
    most = threads;
  }

  static int forBatch(int vectors) {
    return vectors <= SMALL_BATCH ? 1 : most;
  }
}
