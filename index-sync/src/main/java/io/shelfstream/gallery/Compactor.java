package io.shelfstream.gallery;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one thread that compacts a gallery in the background. */
final class Compactor implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Compactor.class);

  /** After a failure, such as want of memory; the gallery goes on meanwhile as it is. */
  private static final Duration PAUSE = Duration.ofMinutes(1);

  /** Between two moves of a few photos. */
  private static final Duration BREATH = Duration.ofNanos(200_000);

  private final Supplier<Optional<Compaction>> cut;
  private final Consumer<Compaction> finish;
  private final BooleanSupplier drain;
  private final AtomicBoolean requested = new AtomicBoolean();
  private final AtomicBoolean busy = new AtomicBoolean();
  private final ExecutorService thread = Executors.newSingleThreadExecutor(Compactor::background);
  private volatile boolean closed;
  private volatile long quietUntil = System.nanoTime();
  private volatile @Nullable CompactionReport last;
  private volatile OptionalDouble recall = OptionalDouble.empty();
  private final AtomicLong count = new AtomicLong();

  /**
   * @param cut gives what is due, or nothing
   * @param finish shows the new segments, or discards them
   * @param drain moves a few photos into the index, and tells whether there were any
   */
  Compactor(
      Supplier<Optional<Compaction>> cut, Consumer<Compaction> finish, BooleanSupplier drain) {
    this.cut = cut;
    this.finish = finish;
    this.drain = drain;
  }

  private static Thread background(Runnable work) {
    Thread thread = new Thread(work, "gallery-compaction");
    thread.setDaemon(true);
    thread.setPriority(Thread.MIN_PRIORITY);
    return thread;
  }

  /** Something is due. Cheap and idempotent; the caller holds the gallery's write lock. */
  void request() {
    requested.set(true);
    begin();
  }

  private void begin() {
    if (!closed && System.nanoTime() - quietUntil >= 0 && busy.compareAndSet(false, true)) {
      thread.execute(this::work);
    }
  }

  private void work() {
    try {
      while (requested.getAndSet(false)) {
        doWhatIsDue();
      }
    } catch (RuntimeException e) {
      quietUntil = System.nanoTime() + PAUSE.toNanos();
      log.atError()
          .setCause(e)
          .log("Gallery was not compacted; it goes on as it is, next attempt in {}", PAUSE);
    } finally {
      busy.set(false);
    }
    if (requested.get()) {
      begin(); // asked for between the last look and now
    }
  }

  private void doWhatIsDue() {
    while (!closed) {
      Optional<Compaction> due = cut.get();
      if (due.isPresent()) {
        compact(due.get());
      } else if (drain.getAsBoolean()) {
        // The lock is not a fair one: a record that waits would not get it in between otherwise.
        LockSupport.parkNanos(BREATH.toNanos());
      } else {
        return;
      }
    }
  }

  private void compact(Compaction compaction) {
    try {
      if (!compaction.run(() -> closed)) {
        return;
      }
      finish.accept(compaction);
      CompactionReport report = compaction.report();
      last = report;
      count.incrementAndGet();
      recall = report.recall().isPresent() ? report.recall() : recall;
      // Trained anew is rare and worth knowing, packed is neither.
      (report.recall().isPresent() ? log.atInfo() : log.atDebug())
          .addKeyValue("photos", report.photos())
          .addKeyValue("indexType", report.indexType())
          .addKeyValue("recall", report.recall().orElse(1))
          .addKeyValue("ms", report.duration().toMillis())
          .log("Gallery compacted");
    } finally {
      compaction.generation().release();
    }
  }

  boolean isBusy() {
    return busy.get();
  }

  long count() {
    return count.get();
  }

  /** Of the index that was trained last. */
  OptionalDouble recall() {
    return recall;
  }

  @Nullable CompactionReport last() {
    return last;
  }

  /** Calls off what is running, without waiting for it. */
  @Override
  public void close() {
    closed = true;
    thread.shutdown();
  }
}
