package io.shelfstream.streams;

import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.streams.KafkaClientSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Kafka's own clients for the stream threads of an application, with one difference: their polls
 * can be ended. So an answer that another thread has finished does not wait for the end of a poll,
 * and polls need not be short. Safe for several threads.
 */
public final class WakeableClients implements KafkaClientSupplier {
  private final ThreadLocal<@Nullable PollWakeUp> ofThread = new ThreadLocal<>();

  /**
   * Returns what ends the poll of the calling stream thread; any thread may run it. It does nothing
   * if the calling thread has not polled a consumer of these clients.
   */
  public Runnable wakeUp() {
    PollWakeUp wakeUp = ofThread.get();
    return wakeUp == null ? () -> {} : wakeUp::wake;
  }

  @Override
  public Admin getAdmin(Map<String, Object> config) {
    return Admin.create(config);
  }

  @Override
  public Producer<byte[], byte[]> getProducer(Map<String, Object> config) {
    return new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
  }

  @Override
  public Consumer<byte[], byte[]> getConsumer(Map<String, Object> config) {
    return new Wakeable(config);
  }

  @Override
  public Consumer<byte[], byte[]> getRestoreConsumer(Map<String, Object> config) {
    return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  @Override
  public Consumer<byte[], byte[]> getGlobalConsumer(Map<String, Object> config) {
    return getRestoreConsumer(config);
  }

  /** Overrides the blocking methods that Kafka Streams calls on the consumer of a stream thread. */
  private final class Wakeable extends KafkaConsumer<byte[], byte[]> {
    private final PollWakeUp wakeUp = new PollWakeUp(this::wakeup);

    Wakeable(Map<String, Object> config) {
      super(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    @Override
    public ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
      ofThread.set(wakeUp);
      return wakeUp.poll(timeout, super::poll);
    }

    @Override
    public void commitSync(Map<TopicPartition, OffsetAndMetadata> offsets) {
      wakeUp.undisturbed(
          () -> {
            super.commitSync(offsets);
            return offsets;
          });
    }

    @Override
    public Map<TopicPartition, OffsetAndMetadata> committed(Set<TopicPartition> partitions) {
      return wakeUp.undisturbed(() -> super.committed(partitions));
    }

    @Override
    public long position(TopicPartition partition) {
      return wakeUp.undisturbed(() -> super.position(partition));
    }

    @Override
    public Map<TopicPartition, OffsetAndTimestamp> offsetsForTimes(
        Map<TopicPartition, Long> times) {
      return wakeUp.undisturbed(() -> super.offsetsForTimes(times));
    }
  }
}
