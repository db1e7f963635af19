package io.shelfstream.serving;

import io.shelfstream.client.TopicReader;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A thread that reads a topic from the first question on. Where the broker fails it ends, and the
 * next question begins it anew. Safe for several threads.
 */
final class TopicFollower implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(TopicFollower.class);

  private final String name;
  private final Duration poll;
  private final Consumer<ConsumerRecord<byte[], byte[]>> taker;
  private final Consumer<TopicReader> afterPoll;
  private @Nullable Thread reading;
  private volatile boolean closed;

  /**
   * @param name of the thread, for the log
   * @param poll longest wait for records
   * @param taker gets each record, on that thread
   * @param afterPoll called on it after each poll
   */
  TopicFollower(
      String name,
      Duration poll,
      Consumer<ConsumerRecord<byte[], byte[]>> taker,
      Consumer<TopicReader> afterPoll) {
    this.name = name;
    this.poll = poll;
    this.taker = taker;
    this.afterPoll = afterPoll;
  }

  boolean isClosed() {
    return closed;
  }

  /**
   * Begins to read, unless it does.
   *
   * @param opener called where it does not; what it throws is thrown here
   */
  synchronized void begin(Supplier<TopicReader> opener) {
    if (reading != null && reading.isAlive()) {
      return;
    }
    TopicReader reader = opener.get();
    Thread thread = new Thread(() -> read(reader), name);
    thread.setDaemon(true);
    thread.start();
    reading = thread;
  }

  private void read(TopicReader reader) {
    try (reader) {
      while (!closed) {
        reader.poll(poll).forEach(taker);
        afterPoll.accept(reader);
      }
    } catch (KafkaException e) {
      if (!closed) {
        log.atWarn().setCause(e).log("{} cannot be read; the next question tries again", name);
      }
    }
  }

  /** Ends the thread, within some seconds. */
  @Override
  public void close() {
    closed = true;
    Thread thread;
    synchronized (this) {
      thread = reading;
    }
    if (thread != null) {
      try {
        thread.join(TimeUnit.SECONDS.toMillis(5));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
