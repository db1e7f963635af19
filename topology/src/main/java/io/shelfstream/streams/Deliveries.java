package io.shelfstream.streams;

import io.shelfstream.messages.SourcePosition;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.producer.ProducerInterceptor;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/**
 * Every record that an application writes passes here on its way to the producer. Three things are
 * done.
 *
 * <ul>
 *   <li>Each record gets the time at which it is written, not that of its source: the broker
 *       deletes by this time, and refuses times that are far from its own clock. An answer to an
 *       eight-day-old record would be deleted minutes after it was written.
 *   <li>At-least-once: counts the output records of each source record, on all topics, and those of
 *       them that the broker has acknowledged. Without this the freed slot could reach the broker
 *       before the answer, and a crash between them would lose the frame. Exactly-once needs no
 *       count: outputs and freed slot are one transaction.
 *   <li>When the broker refuses a record, its source record counts as failed ({@link
 *       FailedRecords}).
 * </ul>
 *
 * <p>Kafka Streams sends a record within the call that forwards it, on the same thread: this tells
 * the source of a record. The producer gives the headers object of a record to its acknowledgement:
 * this tells the record of an acknowledgement. So nothing has to be added to the records
 * themselves.
 *
 * <p>Shared by the stream threads and the producers of an application.
 */
public class Deliveries {
  /** Under this name the producer's configuration holds the object. */
  static final String CONFIG = "shelfstream.deliveries";

  private final boolean exactlyOnce;
  private final FailedRecords failed;
  private final ReadProgress progress = new ReadProgress();
  private final ThreadLocal<@Nullable Delivery> current = new ThreadLocal<>();
  private final Map<Headers, Delivery> underWay =
      Collections.synchronizedMap(new IdentityHashMap<>());

  /**
   * @param exactlyOnce whether outputs and freed slots are written in one transaction
   */
  public Deliveries(boolean exactlyOnce, FailedRecords failed) {
    this.exactlyOnce = exactlyOnce;
    this.failed = failed;
  }

  public FailedRecords failed() {
    return failed;
  }

  /** How far the source records are read and answered. */
  public ReadProgress progress() {
    return progress;
  }

  /**
   * Sends what answers one source record.
   *
   * @param outputs forwards all of it; run at once
   * @return whether the outputs can no longer be lost, so that the slot may be freed; to be asked
   *     again while it is false
   */
  public BooleanSupplier send(SourcePosition source, Runnable outputs) {
    Delivery delivery = new Delivery(source);
    current.set(delivery);
    try {
      failed.guard(source, outputs);
    } finally {
      current.remove();
    }
    return exactlyOnce ? () -> true : delivery::isComplete;
  }

  private void sent(Headers headers) {
    Delivery delivery = current.get();
    if (delivery != null) {
      delivery.unacknowledged.incrementAndGet();
      underWay.put(headers, delivery);
    }
  }

  /** A record that failed stays counted: its slot is kept, and Kafka Streams fails the task. */
  private void acknowledged(Headers headers, @Nullable Exception failure) {
    Delivery delivery = underWay.remove(headers);
    if (delivery == null) {
      return;
    }
    if (failure == null) {
      delivery.unacknowledged.decrementAndGet();
    } else {
      failed.refused(delivery.source, failure);
    }
  }

  private static final class Delivery {
    private final SourcePosition source;
    private final AtomicInteger unacknowledged = new AtomicInteger();

    Delivery(SourcePosition source) {
      this.source = source;
    }

    boolean isComplete() {
      return unacknowledged.get() == 0;
    }
  }

  /** Created and called by Kafka's producer; the last of its interceptors. */
  public static final class Interceptor implements ProducerInterceptor<byte[], byte[]> {
    private @Nullable Deliveries deliveries;

    @Override
    public void configure(Map<String, ?> configuration) {
      deliveries = (Deliveries) configuration.get(CONFIG);
    }

    @Override
    public ProducerRecord<byte[], byte[]> onSend(ProducerRecord<byte[], byte[]> record) {
      ProducerRecord<byte[], byte[]> written =
          new ProducerRecord<>(
              record.topic(),
              record.partition(),
              System.currentTimeMillis(),
              record.key(),
              record.value(),
              record.headers());
      if (deliveries != null) {
        deliveries.sent(written.headers());
      }
      return written;
    }

    @Override
    public void onAcknowledgement(
        RecordMetadata metadata, @Nullable Exception failure, Headers headers) {
      if (deliveries != null) {
        deliveries.acknowledged(headers, failure);
      }
    }

    @Override
    public void close() {}
  }
}
