package io.shelfstream.gallery;

import io.shelfstream.index.Accelerator;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one thread that copies what comes to a gallery to the devices that search it. */
final class DeviceCopies implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(DeviceCopies.class);

  private final Accelerator accelerator;
  private final Runnable copy;
  private final AtomicBoolean requested = new AtomicBoolean();
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(DeviceCopies::background);
  private volatile boolean running;
  private volatile boolean closed;

  /**
   * @param copy looks at the gallery as it is now and copies what is missing
   */
  DeviceCopies(Accelerator accelerator, Runnable copy) {
    this.accelerator = accelerator;
    this.copy = copy;
  }

  private static Thread background(Runnable work) {
    Thread thread = new Thread(work, "gallery-copies");
    thread.setDaemon(true);
    thread.setPriority(Thread.MIN_PRIORITY);
    return thread;
  }

  Accelerator accelerator() {
    return accelerator;
  }

  /** Something came. Cheap and idempotent; the caller holds the gallery's write lock. */
  void request() {
    if (!closed && requested.compareAndSet(false, true)) {
      thread.execute(this::work);
    }
  }

  private void work() {
    running = true;
    requested.set(false);
    try {
      copy.run();
    } catch (RuntimeException e) {
      if (!closed) {
        log.atError().setCause(e).log("The gallery was not copied to its devices");
      }
    } finally {
      running = false;
    }
  }

  boolean isBusy() {
    return requested.get() || running;
  }

  /** Ends after what is being copied, without waiting for it; the caller holds the same lock. */
  @Override
  public void close() {
    closed = true;
    thread.shutdown();
  }
}
