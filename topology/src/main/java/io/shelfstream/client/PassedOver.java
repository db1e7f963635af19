package io.shelfstream.client;

import io.shelfstream.messages.RecordHeaderText;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/**
 * Records that a command cannot use and skips. Writes their position and the reason to standard
 * error, only for the first ones, and the total number at the end. Used by one thread; another may
 * close it.
 */
public final class PassedOver implements AutoCloseable {
  private static final int NAMED = 20;

  private final String what;
  private final long named;
  private final AtomicLong count = new AtomicLong();
  private final AtomicBoolean closed = new AtomicBoolean();

  private PassedOver(String what, long named) {
    this.what = what;
    this.named = named;
  }

  /**
   * For a command that reads many records.
   *
   * @param what a record should be, for example "vector"
   */
  public static PassedOver namingTheFirst(String what) {
    return new PassedOver(what, NAMED);
  }

  /** For a command that prints one record after the other. */
  public static PassedOver namingEach(String what) {
    return new PassedOver(what, Long.MAX_VALUE);
  }

  /** Skips a record. */
  public void add(ConsumerRecord<byte[], byte[]> record, @Nullable String why) {
    long number = count.incrementAndGet();
    if (number <= named) {
      System.err.printf(
          "unreadable %s at %s, key '%s': %s%n", what, place(record), key(record), OneLine.of(why));
    } else if (number == named + 1) {
      System.err.printf("unreadable %s: there are more, which are only counted%n", what);
    }
  }

  /** Writes how many there were, if there were any; once. */
  @Override
  public void close() {
    if (count.get() > 0 && !closed.getAndSet(true)) {
      System.err.printf("unreadable %s, passed over: %d%n", what, count.get());
    }
  }

  /** Position of a record. */
  public static String place(ConsumerRecord<?, ?> record) {
    return record.topic() + "-" + record.partition() + " offset " + record.offset();
  }

  /** A record's key for people; empty when it has none. */
  public static String key(ConsumerRecord<byte[], byte[]> record) {
    return OneLine.of(RecordHeaderText.text(record.key()), 200);
  }
}
