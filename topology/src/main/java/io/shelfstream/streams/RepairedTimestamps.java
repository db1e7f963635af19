package io.shelfstream.streams;

import io.shelfstream.messages.DeadLetter;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerInterceptor;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * Gives records with an impossible timestamp the time at which they were read. Kafka lets producers
 * write any number, and Kafka Streams fails on those below zero, in its tasks and, by another way,
 * in the global store; those beyond the year 9999 are no valid date for most readers of our
 * records. The original number is kept in a header, which a dead letter shows.
 *
 * <p>An interceptor, because it sees all records of all consumers. Created by Kafka; used by the
 * thread of one consumer.
 */
public final class RepairedTimestamps implements ConsumerInterceptor<byte[], byte[]> {
  private static final long LATEST = Instant.parse("9999-12-31T23:59:59.999Z").toEpochMilli();

  @Override
  public ConsumerRecords<byte[], byte[]> onConsume(ConsumerRecords<byte[], byte[]> records) {
    boolean allFit = true;
    for (ConsumerRecord<byte[], byte[]> record : records) {
      allFit &= fits(record);
    }
    return allFit ? records : repaired(records);
  }

  private static boolean fits(ConsumerRecord<?, ?> record) {
    return record.timestamp() >= 0
        && record.timestamp() <= LATEST
        // Set by somebody else, for example in a dead letter that was published again.
        && record.headers().lastHeader(DeadLetter.TIMESTAMP) == null;
  }

  private static ConsumerRecords<byte[], byte[]> repaired(ConsumerRecords<byte[], byte[]> records) {
    Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> all = new HashMap<>();
    for (TopicPartition partition : records.partitions()) {
      List<ConsumerRecord<byte[], byte[]>> repaired = new ArrayList<>();
      for (ConsumerRecord<byte[], byte[]> record : records.records(partition)) {
        repaired.add(fits(record) ? record : repaired(record));
      }
      all.put(partition, repaired);
    }
    return new ConsumerRecords<>(all, records.nextOffsets());
  }

  private static ConsumerRecord<byte[], byte[]> repaired(ConsumerRecord<byte[], byte[]> record) {
    record.headers().remove(DeadLetter.TIMESTAMP);
    if (fits(record)) {
      return record;
    }
    record
        .headers()
        .add(
            DeadLetter.TIMESTAMP,
            Long.toString(record.timestamp()).getBytes(StandardCharsets.UTF_8));
    return new ConsumerRecord<>(
        record.topic(),
        record.partition(),
        record.offset(),
        System.currentTimeMillis(),
        record.timestampType(),
        record.serializedKeySize(),
        record.serializedValueSize(),
        record.key(),
        record.value(),
        record.headers(),
        record.leaderEpoch());
  }

  @Override
  public void onCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {}

  @Override
  public void configure(Map<String, ?> configuration) {}

  @Override
  public void close() {}
}
