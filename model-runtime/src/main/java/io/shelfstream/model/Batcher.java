package io.shelfstream.model;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Puts the work of several threads into common runs. It has no thread of its own: one of those that
 * wait leads the run for all in it. Work that finds a free lane runs at once and alone; what
 * arrives while all lanes are taken gathers, until it fills a batch or the oldest of it has waited
 * for the longest delay.
 *
 * @param <T> work of one caller, never split over two runs
 * @param <R> what becomes of it
 */
public final class Batcher<T, R> {
  private final int lanes;
  private final int most;
  private final long delay;
  private final ToIntFunction<T> size;
  private final Function<List<T>, List<R>> run;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<Ticket> waiting = new ArrayDeque<>();
  private int gathered;
  private int running;

  /**
   * A batcher of one model.
   *
   * @param lanes runs side by side, 1 or more
   * @param most sum of the sizes in a batch, 1 or more; larger work runs alone
   * @param delay longest wait for a fuller batch once a lane is free
   * @param run gives a result for each piece of work, in the same order
   */
  public Batcher(
      int lanes, int most, Duration delay, ToIntFunction<T> size, Function<List<T>, List<R>> run) {
    if (lanes < 1 || most < 1 || delay.isNegative()) {
      throw new IllegalArgumentException(
          "lanes and most expected to be 1 or more, delay 0 or more, got %d, %d and %s"
              .formatted(lanes, most, delay));
    }
    this.lanes = lanes;
    this.most = most;
    this.delay = delay.toNanos();
    this.size = size;
    this.run = run;
  }

  private final class Ticket {
    final T work;
    final int size;
    final long since = System.nanoTime();
    boolean taken;
    boolean done;
    List<R> result = List.of(); // one, when it is done and did not fail
    @Nullable Throwable failure;

    Ticket(T work) {
      this.work = work;
      this.size = Batcher.this.size.applyAsInt(work);
    }
  }

  /**
   * Runs work and waits for its result. What fails in a batch is run again alone, so that nobody
   * suffers from the work of others.
   */
  public R submit(T work) {
    Ticket mine = new Ticket(work);
    List<Ticket> batch = enter(mine);
    if (!batch.isEmpty()) {
      lead(batch);
    }
    if (mine.failure != null) {
      throw rethrown(mine.failure);
    }
    return mine.result.get(0);
  }

  /** Waits until the work is done, or until it is this thread's turn to lead a run: its batch. */
  private List<Ticket> enter(Ticket mine) {
    lock.lock();
    try {
      boolean idle = running < lanes && waiting.isEmpty();
      waiting.add(mine);
      gathered += mine.size;
      if (gathered >= most) {
        changed.signalAll();
      }
      while (!mine.done) {
        boolean turn = !mine.taken && waiting.peek() == mine && running < lanes;
        long left = turn ? mine.since + delay - System.nanoTime() : 0;
        if (turn && (idle || gathered >= most || left <= 0)) {
          return take();
        }
        await(turn ? left : Long.MAX_VALUE);
      }
      return List.of();
    } finally {
      lock.unlock();
    }
  }

  /** Pieces of work that wait for a run. */
  int waiting() {
    lock.lock();
    try {
      return waiting.size();
    } finally {
      lock.unlock();
    }
  }

  // Not to be interrupted: the work may be in a run that uses the caller's buffers.
  private void await(long nanos) {
    boolean interrupted = Thread.interrupted();
    try {
      changed.awaitNanos(nanos);
    } catch (InterruptedException e) {
      interrupted = true;
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private List<Ticket> take() {
    List<Ticket> batch = new ArrayList<>();
    int total = 0;
    while (!waiting.isEmpty() && (batch.isEmpty() || total + waiting.peek().size <= most)) {
      Ticket next = waiting.remove();
      next.taken = true;
      total += next.size;
      batch.add(next);
    }
    gathered -= total;
    running++;
    changed.signalAll(); // another lane may be free for what is left
    return batch;
  }

  private void lead(List<Ticket> batch) {
    try {
      runTogether(batch);
    } finally {
      lock.lock();
      try {
        running--;
        batch.forEach(ticket -> ticket.done = true);
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  private void runTogether(List<Ticket> batch) {
    try {
      List<R> results = run.apply(batch.stream().map(ticket -> ticket.work).toList());
      for (int i = 0; i < batch.size(); i++) {
        batch.get(i).result = List.of(results.get(i));
      }
    } catch (RuntimeException | Error e) {
      if (batch.size() == 1) {
        batch.get(0).failure = e;
      } else {
        batch.forEach(ticket -> runTogether(List.of(ticket)));
      }
    }
  }

  private static RuntimeException rethrown(Throwable failure) {
    if (failure instanceof Error error) {
      throw error;
    }
    return (RuntimeException) failure;
  }
}
