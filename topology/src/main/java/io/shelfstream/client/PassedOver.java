package io.shelfstream.client;

import io.shelfstream.messages.RecordHeaderText;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/**
 * Records that a command cannot use and goes on without: says on standard error where they lie and
 * what is wrong, of many only the first ones, and how many there were. Used by one thread; another
 * may close it.
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
   * @param what a record is meant to be, for instance "vector"
   */
  public static PassedOver namingTheFirst(String what) {
    return new PassedOver(what, NAMED);
  }

  /** For a command that shows record by record. */
  public static PassedOver namingEach(String what) {
    return new PassedOver(what, Long.MAX_VALUE);
  }

  /** Goes on without a record. */
  public void add(ConsumerRecord<byte[], byte[]> record, @Nullable String why) {
    long number = count.incrementAndGet();
    if (number <= named) {
      System.err.printf(
          "unreadable %s at %s, key '%s': %s%n", what, place(record), key(record), OneLine.of(why));
    } else if (number == named + 1) {
      System.err.printf("unreadable %s: there are more, which are only counted%n", what);
    }
  }

  /** Says once how many there were, when there were any. */
  @Override
  public void close() {
    if (count.get() > 0 && !closed.getAndSet(true)) {
      System.err.printf("unreadable %s, passed over: %d%n", what, count.get());
    }
  }

  /** Where a record lies. */
  public static String place(ConsumerRecord<?, ?> record) {
    return record.topic() + "-" + record.partition() + " offset " + record.offset();
  }

  /** A record's key for people; empty when it has none. */
  public static String key(ConsumerRecord<byte[], byte[]> record) {
    return OneLine.of(RecordHeaderText.text(record.key()), 200);
  }
}
