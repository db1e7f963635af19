package io.shelfstream.camera;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** When the next picture is due: at equal intervals; what was missed is not made up for. */
final class Pace {
  private final long interval;
  private long due = System.nanoTime();

  Pace(Duration every) {
    this.interval = Math.max(1, every.toNanos());
  }

  boolean isDue() {
    return System.nanoTime() - due >= 0;
  }

  void await() throws InterruptedException {
    TimeUnit.NANOSECONDS.sleep(Math.max(0, due - System.nanoTime()));
  }

  void taken() {
    long late = System.nanoTime() - due;
    due += (Math.max(0, late) / interval + 1) * interval;
  }

  /** Nothing is due for at least this long. */
  void pause(Duration pause) {
    due = Math.max(due, System.nanoTime() + pause.toNanos());
  }
}
