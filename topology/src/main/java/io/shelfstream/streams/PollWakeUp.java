package io.shelfstream.streams;

import java.time.Duration;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.errors.WakeupException;

/**
 * Lets any thread end the poll of one consumer, so that its stream thread runs its timers.
 *
 * <p>{@code Consumer.wakeup} alone is not enough: a call that comes just after the poll got its
 * records stays pending and interrupts the next blocking call, a commit of offsets for example. So
 * {@code wakeup} is only called during a poll, and one that is still pending is cleared after the
 * poll. Kafka guarantees that an interrupted poll loses no records.
 *
 * <p>{@link #wake} may be called by any thread, all else by the one that polls.
 */
public final class PollWakeUp {
  /**
   * Interval of the timer that a poll is ended for. A timer that has just run is due again after
   * this time, however the clock rounds.
   */
  public static final Duration TICK = Duration.ofMillis(1);

  private final Runnable consumer;
  private boolean polling;
  private boolean asked;

  /** {@code wakeup} was called, and the consumer has not thrown for it yet. */
  private boolean told;

  /**
   * The next poll must be short: timers may have run just before the answer came, in the same
   * millisecond, and are then not due again yet.
   */
  private boolean again;

  /**
   * @param consumer its {@code wakeup}
   */
  PollWakeUp(Runnable consumer) {
    this.consumer = consumer;
  }

  /** Ends the poll under way; the next one does not wait if there is none. */
  synchronized void wake() {
    asked = true;
    if (polling) {
      tell();
    }
  }

  private void tell() {
    if (!told) {
      told = true;
      consumer.run();
    }
  }

  /**
   * Polls.
   *
   * @param poll of the consumer
   * @return nothing when it was woken before anything came
   */
  ConsumerRecords<byte[], byte[]> poll(
      Duration timeout, Function<Duration, ConsumerRecords<byte[], byte[]>> poll) {
    Duration limit = begin(timeout);
    try {
      return poll.apply(limit);
    } catch (WakeupException e) {
      if (!takeBack()) {
        throw e;
      }
      return ConsumerRecords.empty();
    } finally {
      if (end()) {
        clear(poll);
      }
    }
  }

  private synchronized Duration begin(Duration timeout) {
    Duration limit = timeout;
    if (asked) {
      limit = Duration.ZERO;
    } else if (again && timeout.compareTo(TICK) > 0) {
      limit = TICK;
    }
    again = asked;
    asked = false;
    polling = true;
    return limit;
  }

  private synchronized boolean takeBack() {
    boolean was = told;
    told = false;
    return was;
  }

  private synchronized boolean end() {
    polling = false;
    again |= asked;
    asked = false;
    return takeBack();
  }

  /** A consumer with a pending {@code wakeup} throws before it does anything else. */
  private static void clear(Function<Duration, ConsumerRecords<byte[], byte[]>> poll) {
    ConsumerRecords<byte[], byte[]> records;
    try {
      records = poll.apply(Duration.ZERO);
    } catch (WakeupException e) {
      return;
    }
    if (!records.isEmpty()) {
      // The thread fails and its successor reads them again.
      throw new IllegalStateException("A consumer that was woken polled on");
    }
  }

  /**
   * Calls another method of the consumer that may block. Kafka Streams does so within a poll, when
   * partitions are revoked. A commit that is interrupted would fail the thread, so it is called
   * again.
   *
   * @param call may be made twice
   */
  <T> T undisturbed(Supplier<T> call) {
    boolean within = pause();
    try {
      return call.get();
    } catch (WakeupException e) {
      if (!takeBack()) {
        throw e;
      }
      return call.get();
    } finally {
      if (within) {
        resume();
      }
    }
  }

  private synchronized boolean pause() {
    boolean was = polling;
    polling = false;
    return was;
  }

  private synchronized void resume() {
    polling = true;
    if (asked) {
      tell();
    }
  }
}
