package io.shelfstream.streams;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.clients.consumer.ConsumerInterceptor;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * How far an application has read and answered the partitions that it has. What the broker knows is
 * not enough: an offset is committed when a frame is kept, not when it is answered, and behind the
 * last record of a partition there may be marks of transactions and aborted records, which nobody
 * ever commits. So the consumer tells what it has passed, and the processor what it has taken.
 *
 * <p>A {@link Partition} is changed by its stream thread only, and asked by any thread.
 */
public final class ReadProgress {
  /** Under this name the consumer's configuration holds the object. */
  static final String CONFIG = "shelfstream.progress";

  private final Map<TopicPartition, Partition> open = new ConcurrentHashMap<>();

  /** A partition that a processor has taken up; to be closed when it gives it up. */
  public Partition open(String topic, int partition) {
    Partition opened = new Partition(new TopicPartition(topic, partition));
    open.put(opened.at, opened);
    return opened;
  }

  Collection<Partition> partitions() {
    return List.copyOf(open.values());
  }

  private void returned(ConsumerRecords<?, ?> records) {
    records
        .nextOffsets()
        .forEach(
            (at, next) -> {
              Partition partition = open.get(at);
              if (partition != null) {
                List<? extends ConsumerRecord<?, ?>> of = records.records(at);
                long last = of.isEmpty() ? -1 : of.get(of.size() - 1).offset();
                partition.passed(last, next.offset());
              }
            });
  }

  /** A partition in the hands of a processor. */
  public final class Partition implements AutoCloseable {
    private final TopicPartition at;
    private volatile Passed passed = new Passed(-1, -1);
    private volatile long behindTaken = -1;
    private volatile InHand inHand = new InHand(0, 0);

    /**
     * What the consumer has passed.
     *
     * @param last offset of the last record that it returned; -1: none yet
     * @param next its position
     */
    private record Passed(long last, long next) {}

    private record InHand(int records, long oldest) {}

    private Partition(TopicPartition at) {
      this.at = at;
    }

    TopicPartition at() {
      return at;
    }

    private void passed(long last, long next) {
      passed = new Passed(Math.max(last, passed.last()), next);
    }

    /** The record at this offset is in the processor's hands. */
    public void taken(long offset) {
      behindTaken = offset + 1;
    }

    /**
     * What was taken and is not answered.
     *
     * @param oldest timestamp of the oldest of these records in epoch ms; ignored when there are
     *     none
     */
    public void inHand(int records, long oldest) {
      inHand = new InHand(records, oldest);
    }

    /**
     * The offset behind everything that was taken.
     *
     * @param start where the application began to read, if that is known; -1 where it is not
     * @return -1 where nothing is known
     */
    long next(long start) {
      Passed seen = passed;
      long taken = behindTaken;
      if (taken > seen.last()) { // all that was returned; perhaps nothing was
        return Math.max(taken, seen.next());
      }
      return taken >= 0 ? taken : seen.last() < 0 && seen.next() >= 0 ? seen.next() : start;
    }

    int recordsInHand() {
      return inHand.records();
    }

    /** Timestamp of the oldest record in hand in epoch ms; -1 when there is none. */
    long oldestInHand() {
      InHand now = inHand;
      return now.records() == 0 ? -1 : now.oldest();
    }

    @Override
    public void close() {
      open.remove(at, this);
    }
  }

  /** Created by Kafka's consumer; used by its thread. */
  public static final class Interceptor implements ConsumerInterceptor<byte[], byte[]> {
    private @Nullable ReadProgress progress;

    @Override
    public void configure(Map<String, ?> configuration) {
      progress = (ReadProgress) configuration.get(CONFIG);
    }

    @Override
    public ConsumerRecords<byte[], byte[]> onConsume(ConsumerRecords<byte[], byte[]> records) {
      if (progress != null) {
        progress.returned(records);
      }
      return records;
    }

    @Override
    public void onCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {}

    @Override
    public void close() {}
  }
}
