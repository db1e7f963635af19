package io.shelfstream.serving;

import io.shelfstream.client.TopicReader;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.http.EventFeed;
import io.shelfstream.http.RefusedException;
import io.shelfstream.messages.EventSerdes;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.SerializationException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The events of the recognitions topic, of all instances, from now on; only committed ones, in the
 * order of their partitions. A reader that fails is replaced and goes on where it was, so nothing
 * is missed.
 */
public final class TopicEvents implements EventFeed.Source {
  private static final Logger log = LoggerFactory.getLogger(TopicEvents.class);
  private static final Duration POLL = Duration.ofMillis(200);

  /** Of each partition, of those that are there already. */
  private static final int NEWEST = 200;

  private final ShelfStreamConfig config;
  private final EventSerdes serdes;

  public TopicEvents(ShelfStreamConfig config, EventSerdes serdes) {
    this.config = config;
    this.serdes = serdes;
  }

  @Override
  public AutoCloseable begin(Consumer<RecognitionEvent> events) {
    TopicReader reader;
    try {
      reader = new TopicReader(config, TopicReader.From.END, config.topics().recognitions());
    } catch (KafkaException e) {
      throw RefusedException.notReady("the recognitions topic: " + e.getMessage());
    }
    Reading reading = new Reading(reader, events);
    reading.thread.start();
    return reading;
  }

  @Override
  public void newest(Consumer<RecognitionEvent> events) {
    try (TopicReader reader = TopicReader.newest(config, NEWEST, config.topics().recognitions())) {
      while (!reader.atEnd()) {
        for (ConsumerRecord<byte[], byte[]> record : reader.poll(POLL)) {
          give(record, events);
        }
      }
    } catch (KafkaException e) {
      throw RefusedException.notReady("the recognitions topic: " + e.getMessage());
    }
  }

  private void give(ConsumerRecord<byte[], byte[]> record, Consumer<RecognitionEvent> events) {
    RecognitionEvent event;
    try {
      event =
          serdes
              .recognitions()
              .deserializer()
              .deserialize(record.topic(), record.headers(), record.value());
    } catch (SerializationException e) {
      log.atDebug().setCause(e).log("A record of the recognitions topic is no event");
      return;
    }
    if (event != null) {
      events.accept(event);
    }
  }

  private final class Reading implements AutoCloseable {
    private final TopicReader reader;
    private final Consumer<RecognitionEvent> events;
    private final Thread thread = new Thread(this::read, "recognition-events");
    private volatile boolean closed;

    Reading(TopicReader reader, Consumer<RecognitionEvent> events) {
      this.reader = reader;
      this.events = events;
      thread.setDaemon(true);
    }

    private void read() {
      try (reader) {
        while (!closed) {
          poll();
        }
      }
    }

    private void poll() {
      try {
        for (ConsumerRecord<byte[], byte[]> record : reader.poll(POLL)) {
          give(record, events);
        }
      } catch (KafkaException e) {
        log.atWarn().setCause(e).log("Events cannot be read; trying again");
        pause();
      }
    }

    private void pause() {
      try {
        TimeUnit.SECONDS.sleep(1);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        closed = true;
      }
    }

    @Override
    public void close() {
      closed = true;
      if (Thread.currentThread() == thread) {
        return; // it ends after this event
      }
      try {
        thread.join(TimeUnit.SECONDS.toMillis(5));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
