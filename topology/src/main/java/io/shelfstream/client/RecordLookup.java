package io.shelfstream.client;

import io.shelfstream.config.ShelfStreamConfig;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.utils.Utils;

/** Reads single records whose key and offset are known. Safe for several threads, one at a time. */
public final class RecordLookup implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final KafkaConsumer<byte[], byte[]> consumer;

  public RecordLookup(ShelfStreamConfig config) {
    Map<String, Object> settings = new HashMap<>(config.kafka());
    settings.remove("group.protocol"); // may be one that only Kafka Streams speaks
    settings.put("isolation.level", "read_committed");
    settings.put("enable.auto.commit", false);
    settings.put("max.poll.records", 1);
    settings.putIfAbsent("default.api.timeout.ms", (int) PATIENCE.toMillis());
    this.consumer =
        new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  /**
   * The record with this key at this offset, in whichever partition it is.
   *
   * @return empty when it is no longer there
   * @throws org.apache.kafka.common.KafkaException when the broker does not answer in time
   */
  public synchronized Optional<ConsumerRecord<byte[], byte[]>> find(
      String topic, String key, long offset) {
    byte[] bytes = key.getBytes(StandardCharsets.UTF_8);
    for (TopicPartition partition : likelyFirst(topic, bytes)) {
      Optional<ConsumerRecord<byte[], byte[]>> record = at(partition, offset);
      if (record.isPresent() && Arrays.equals(record.get().key(), bytes)) {
        return record;
      }
    }
    return Optional.empty();
  }

  /** All partitions; first the one that Kafka's own partitioner chooses for the key. */
  private List<TopicPartition> likelyFirst(String topic, byte[] key) {
    List<PartitionInfo> infos = consumer.partitionsFor(topic);
    List<TopicPartition> partitions = new ArrayList<>();
    if (infos != null && !infos.isEmpty()) {
      partitions.add(
          new TopicPartition(topic, Utils.toPositive(Utils.murmur2(key)) % infos.size()));
      infos.stream()
          .map(info -> new TopicPartition(topic, info.partition()))
          .filter(partition -> !partitions.contains(partition))
          .forEach(partitions::add);
    }
    return partitions;
  }

  private Optional<ConsumerRecord<byte[], byte[]>> at(TopicPartition partition, long offset) {
    consumer.assign(List.of(partition));
    long first = consumer.beginningOffsets(List.of(partition)).getOrDefault(partition, 0L);
    long end = consumer.endOffsets(List.of(partition)).getOrDefault(partition, 0L);
    if (offset < first || offset >= end) {
      return Optional.empty();
    }
    consumer.seek(partition, offset);
    long until = System.nanoTime() + PATIENCE.toNanos();
    while (consumer.position(partition) <= offset && System.nanoTime() < until) {
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
        return record.offset() == offset ? Optional.of(record) : Optional.empty();
      }
    }
    return Optional.empty();
  }

  @Override
  public synchronized void close() {
    consumer.close();
  }
}
