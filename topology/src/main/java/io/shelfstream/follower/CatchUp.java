package io.shelfstream.follower;

import io.shelfstream.gallery.Gallery;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Logs every five seconds how far the gallery's topic was read, until its end is reached. */
final class CatchUp {
  private static final Logger log = LoggerFactory.getLogger(CatchUp.class);
  private static final long INTERVAL = Duration.ofSeconds(5).toNanos();

  private final Gallery gallery;
  private final LongSupplier nanos;
  private long records;
  private long start;
  private long reported;

  /**
   * @param nanos a clock
   */
  CatchUp(Gallery gallery, LongSupplier nanos) {
    this.gallery = gallery;
    this.nanos = nanos;
  }

  /** Counts a record that is about to be applied. */
  void count() {
    if (gallery.isCaughtUp()) {
      return;
    }
    long now = nanos.getAsLong();
    if (records == 0) {
      start = now;
      reported = now;
    }
    records++;
    if (now - reported >= INTERVAL) {
      reported = now;
      log.atInfo()
          .addKeyValue("records", records)
          .addKeyValue("recordsPerSecond", records * 1_000_000_000L / (now - start))
          .addKeyValue("photos", gallery.state().size())
          .log("Reading the gallery's topic");
    }
  }
}
