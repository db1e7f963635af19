package io.shelfstream.index;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that owns a {@link Device} and everything on it; others hand it their work. It
 * keeps an account of the memory too.
 */
final class DeviceThread implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(DeviceThread.class);

  private final ExecutorService owner;
  private final Device device;
  private final String name;

  /** Touched by the owner only. */
  private final Set<Device.Rows> open = new HashSet<>();

  private long room;
  private long taken;
  private volatile boolean failed;

  private DeviceThread(ExecutorService owner, Device device, String name, long room) {
    this.owner = owner;
    this.device = device;
    this.name = name;
    this.room = room;
  }

  /**
   * Opens a device on a thread of its own.
   *
   * @param room bytes for vectors; 0: all there is
   */
  static DeviceThread start(String name, Supplier<Device> opened, long room) {
    ExecutorService owner =
        Executors.newSingleThreadExecutor(
            work -> {
              Thread thread = new Thread(work, "index-" + name);
              thread.setDaemon(true);
              return thread;
            });
    try {
      Device device = CompletableFuture.supplyAsync(opened, owner).join();
      return new DeviceThread(owner, device, name, room == 0 ? Long.MAX_VALUE : room);
    } catch (CompletionException e) {
      owner.shutdown();
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  int mostNeighbors() {
    return device.mostNeighbors();
  }

  /** Whether it failed: then it is not used any more. */
  boolean isFailed() {
    return failed;
  }

  synchronized long taken() {
    return taken;
  }

  /** Takes memory from the account, or returns false. */
  synchronized boolean take(long bytes) {
    if (failed || taken + bytes > room) {
      return false;
    }
    taken += bytes;
    return true;
  }

  /** The device had less than the account said. */
  synchronized void outOfMemory(long bytes) {
    taken -= bytes;
    room = taken;
  }

  private synchronized void giveBack(long bytes) {
    taken -= bytes;
  }

  /** Whatever it was, the CPU can do its work; said once. */
  void failed(Throwable cause) {
    boolean first = !failed;
    failed = true;
    if (first) {
      log.atError()
          .addKeyValue("device", name)
          .setCause(cause)
          .log("The device failed and is not used any more; the CPU searches in its place");
    }
  }

  /** Runs work on the owning thread; the result is an exception too when this is closed. */
  <T> CompletableFuture<T> submit(Callable<T> work) {
    CompletableFuture<T> result = new CompletableFuture<>();
    try {
      owner.execute(
          () -> {
            try {
              result.complete(work.call());
            } catch (Exception e) {
              result.completeExceptionally(e);
            }
          });
    } catch (RejectedExecutionException e) {
      result.completeExceptionally(e);
    }
    return result;
  }

  CompletableFuture<Device.Rows> makeRows(int dimension, boolean half) {
    return submit(
        () -> {
          Device.Rows rows = device.rows(dimension, half);
          open.add(rows);
          return rows;
        });
  }

  /** Frees rows, after all work that was handed over before. */
  void free(Device.@Nullable Rows rows, long bytes) {
    giveBack(bytes);
    if (rows != null) {
      CompletableFuture<Void> unused =
          submit(
              () -> {
                if (open.remove(rows)) {
                  rows.close();
                }
                return null;
              });
    }
  }

  /** Finishes what was handed over, frees all rows and then the device. Does not wait for it. */
  @Override
  public void close() {
    CompletableFuture<Void> unused =
        submit(
            () -> {
              List.copyOf(open).forEach(Device.Rows::close);
              open.clear();
              device.close();
              return null;
            });
    owner.shutdown();
  }

  @Override
  public String toString() {
    return name;
  }
}
