package io.shelfstream.topology;

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
 * At-least-once: counts the records that a frame led to, whatever their topics, and which of them
 * the broker has acknowledged. Without it the freed slot could reach the broker before the answer,
 * and a crash between them would lose the frame.
 *
 * <p>Kafka Streams sends a record within the call that forwards it, on the same thread; that is how
 * a record finds its frame. The producer hands the very headers of a record to its acknowledgement;
 * that is how the acknowledgement finds it. So the records themselves carry nothing of this.
 *
 * <p>Shared by the stream threads and the producers of an application.
 */
public final class Acknowledgements implements Deliveries {
  /** Under this name the producer's configuration holds the object. */
  static final String CONFIG = "shelfstream.acknowledgements";

  private final ThreadLocal<@Nullable Delivery> current = new ThreadLocal<>();
  private final Map<Headers, Delivery> underWay =
      Collections.synchronizedMap(new IdentityHashMap<>());

  @Override
  public BooleanSupplier send(Runnable outputs) {
    Delivery delivery = new Delivery();
    current.set(delivery);
    try {
      outputs.run();
    } finally {
      current.remove();
    }
    return delivery::isComplete;
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
    if (delivery != null && failure == null) {
      delivery.unacknowledged.decrementAndGet();
    }
  }

  private static final class Delivery {
    private final AtomicInteger unacknowledged = new AtomicInteger();

    boolean isComplete() {
      return unacknowledged.get() == 0;
    }
  }

  /** What Kafka's producer makes and tells; the last of its interceptors. */
  public static final class Interceptor implements ProducerInterceptor<byte[], byte[]> {
    private @Nullable Acknowledgements acknowledgements;

    @Override
    public void configure(Map<String, ?> configuration) {
      acknowledgements = (Acknowledgements) configuration.get(CONFIG);
    }

    @Override
    public ProducerRecord<byte[], byte[]> onSend(ProducerRecord<byte[], byte[]> record) {
      if (acknowledgements != null) {
        acknowledgements.sent(record.headers());
      }
      return record;
    }

    @Override
    public void onAcknowledgement(
        RecordMetadata metadata, @Nullable Exception failure, Headers headers) {
      if (acknowledgements != null) {
        acknowledgements.acknowledged(headers, failure);
      }
    }

    @Override
    public void close() {}
  }
}
