package io.shelfstream.recognition;

/**
 * Counts the bytes that images in hand take. New work may start while the count is below the limit.
 * Its size is not known before, so the count may exceed the limit by all the work that started at
 * the same time.
 */
final class ByteAccount {
  private final long limit;
  private long taken;

  ByteAccount(long limit) {
    this.limit = limit;
  }

  /** Waits until less than the limit is taken. */
  synchronized void awaitRoom() throws InterruptedException {
    while (taken >= limit) {
      wait();
    }
  }

  synchronized void take(long bytes) {
    taken += bytes;
  }

  synchronized void give(long bytes) {
    taken -= bytes;
    notifyAll();
  }

  synchronized long taken() {
    return taken;
  }
}
