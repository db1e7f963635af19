package io.shelfstream.recognition;

/**
 * Memory that work in hand takes. New work is let in while less than the limit is taken; what it
 * will take need not be known before, so it may go over the limit by what was let in at once.
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
