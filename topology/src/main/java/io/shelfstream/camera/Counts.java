package io.shelfstream.camera;

import java.util.concurrent.atomic.AtomicLong;

/** What an agent has done since its start. Safe for several threads. */
final class Counts {
  private final AtomicLong captured = new AtomicLong();
  private final AtomicLong unchanged = new AtomicLong();
  private final AtomicLong stored = new AtomicLong();
  private final AtomicLong published = new AtomicLong();
  private final AtomicLong dropped = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();

  void captured() {
    captured.incrementAndGet();
  }

  void unchanged() {
    unchanged.incrementAndGet();
  }

  void stored() {
    stored.incrementAndGet();
  }

  void published(int frames) {
    published.addAndGet(frames);
  }

  void dropped(int frames) {
    dropped.addAndGet(frames);
  }

  long dropped() {
    return dropped.get();
  }

  void failed() {
    failed.incrementAndGet();
  }

  @Override
  public String toString() {
    return "captured %d, unchanged %d, stored %d, published %d, dropped because the spool was full %d, failed captures %d"
        .formatted(
            captured.get(),
            unchanged.get(),
            stored.get(),
            published.get(),
            dropped.get(),
            failed.get());
  }
}
