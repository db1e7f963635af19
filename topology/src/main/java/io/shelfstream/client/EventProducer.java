package io.shelfstream.client;

import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.outage.Deadline;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serde;
import org.jspecify.annotations.Nullable;

/**
 * Publishes events for the commands. The first record is waited for, so that an unreachable broker
 * or a missing right shows at once; closing waits for all. A registry that is away is waited for,
 * {@code start.wait} at most.
 */
public final class EventProducer implements AutoCloseable {
  private final KafkaProducer<byte[], byte[]> producer;
  private final EventSerdes serdes;
  private final Deadline deadline;
  private @Nullable Future<RecordMetadata> last;

  public EventProducer(ShelfStreamConfig config) {
    Map<String, Object> settings = new HashMap<>(config.kafka());
    // A frame is sent at once; records that come during a request are sent together anyway.
    settings.putIfAbsent("linger.ms", 0);
    settings.putIfAbsent("max.block.ms", 15_000);
    this.producer =
        new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    this.serdes = EventSerdes.of(config.schemaRegistry());
    this.deadline = Deadline.in(config.startWait());
  }

  public EventSerdes serdes() {
    return serdes;
  }

  /** Sends a value, or a tombstone when it is null; {@link #flush} reports whether it arrived. */
  public <T> void send(String topic, String key, Serde<T> serde, @Nullable T value) {
    last = submit(topic, key, serde, value);
  }

  /** Sends a value, or a tombstone; the future completes with its position when it has arrived. */
  <T> Future<RecordMetadata> submit(String topic, String key, Serde<T> serde, @Nullable T value) {
    byte[] bytes =
        value == null
            ? null
            : serdes
                .registry()
                .untilReachable(() -> serde.serializer().serialize(topic, value), deadline);
    boolean first = last == null;
    Future<RecordMetadata> sent =
        producer.send(new ProducerRecord<>(topic, key.getBytes(StandardCharsets.UTF_8), bytes));
    last = sent;
    if (first) {
      waitFor(sent);
    }
    return sent;
  }

  /**
   * Sends a value, or a tombstone when it is null, and waits until it has arrived. Safe for several
   * threads, which send together.
   *
   * @return its offset
   */
  public <T> long publish(String topic, String key, Serde<T> serde, @Nullable T value) {
    Future<RecordMetadata> sent;
    synchronized (this) {
      sent = submit(topic, key, serde, value);
    }
    return waitFor(sent).offset();
  }

  static RecordMetadata waitFor(Future<RecordMetadata> sent) {
    try {
      return sent.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new KafkaException("Interrupted while publishing", e);
    } catch (ExecutionException e) {
      throw new KafkaException("Publishing failed: " + e.getCause(), e.getCause());
    }
  }

  /** Waits for what was sent; throws when the last record could not be published. */
  public void flush() {
    producer.flush();
    if (last != null) {
      waitFor(last);
    }
  }

  @Override
  public void close() {
    try {
      flush();
    } finally {
      producer.close();
    }
  }
}
