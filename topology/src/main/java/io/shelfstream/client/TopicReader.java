package io.shelfstream.client;

import io.shelfstream.config.ShelfStreamConfig;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;

/**
 * Reads topics for the commands, without a consumer group: all partitions, only committed records.
 * Used by one thread.
 */
public final class TopicReader implements AutoCloseable {
  /** Where reading starts. */
  public enum From {
    BEGINNING,
    END
  }

  private final KafkaConsumer<byte[], byte[]> consumer;
  private final Map<TopicPartition, Long> start;

  public TopicReader(ShelfStreamConfig config, From from, String... topics) {
    this(config, from, null, topics);
  }

  /** Reads what has a timestamp of this time or later, and all that comes behind it. */
  public static TopicReader since(ShelfStreamConfig config, Instant time, String... topics) {
    return new TopicReader(config, From.BEGINNING, time, topics);
  }

  /**
   * Reads the newest records of each partition, and all that comes behind them.
   *
   * @param most offsets of a partition before its end; fewer records where some are of transactions
   */
  public static TopicReader newest(ShelfStreamConfig config, int most, String... topics) {
    TopicReader reader = new TopicReader(config, From.BEGINNING, null, topics);
    reader
        .consumer
        .endOffsets(reader.consumer.assignment())
        .forEach(
            (partition, end) ->
                reader.consumer.seek(
                    partition, Math.max(reader.start.getOrDefault(partition, 0L), end - most)));
    return reader;
  }

  private TopicReader(
      ShelfStreamConfig config, From from, @Nullable Instant since, String... topics) {
    Map<String, Object> settings = new HashMap<>(config.kafka());
    settings.remove("group.protocol"); // may be one that only Kafka Streams speaks
    settings.put("isolation.level", "read_committed");
    settings.put("enable.auto.commit", false);
    settings.putIfAbsent("default.api.timeout.ms", 15_000);
    this.consumer =
        new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    List<TopicPartition> partitions = new ArrayList<>();
    for (String topic : topics) {
      partitions.addAll(partitionsOf(topic, config));
    }
    consumer.assign(partitions);
    if (since != null) {
      seekTo(since, partitions);
    } else if (from == From.BEGINNING) {
      consumer.seekToBeginning(partitions);
    } else {
      consumer.seekToEnd(partitions);
    }
    this.start = positions(); // seeks are lazy: this fixes the positions now
  }

  private void seekTo(Instant time, List<TopicPartition> partitions) {
    Map<TopicPartition, Long> asked = new HashMap<>();
    partitions.forEach(partition -> asked.put(partition, time.toEpochMilli()));
    consumer
        .offsetsForTimes(asked)
        .forEach(
            (partition, first) -> {
              if (first == null) {
                consumer.seekToEnd(List.of(partition));
              } else {
                consumer.seek(partition, first.offset());
              }
            });
  }

  private List<TopicPartition> partitionsOf(String topic, ShelfStreamConfig config) {
    String servers = config.kafka().get("bootstrap.servers");
    try {
      List<PartitionInfo> partitions = consumer.partitionsFor(topic);
      if (partitions == null || partitions.isEmpty()) {
        throw new KafkaException(
            "Topic %s does not exist at %s; start the service, which creates it"
                .formatted(topic, servers));
      }
      return partitions.stream().map(p -> new TopicPartition(topic, p.partition())).toList();
    } catch (TimeoutException e) {
      throw new KafkaException(
          "No answer from the broker at %s; name it with --bootstrap-server HOST:PORT"
              .formatted(servers),
          e);
    }
  }

  /** Records that came within the time; possibly none. */
  public Iterable<ConsumerRecord<byte[], byte[]>> poll(Duration atMost) {
    return consumer.poll(atMost);
  }

  /** True when every record that was there at the time of the call has been read. */
  public boolean atEnd() {
    return consumer.endOffsets(consumer.assignment()).entrySet().stream()
        .allMatch(end -> consumer.position(end.getKey()) >= end.getValue());
  }

  /** Offsets from the start to the current end: records, and those removed by compaction. */
  public long records() {
    return consumer.endOffsets(consumer.assignment()).entrySet().stream()
        .mapToLong(end -> end.getValue() - start.getOrDefault(end.getKey(), 0L))
        .sum();
  }

  /** Offsets that were read or skipped so far. */
  public long read() {
    return positions().entrySet().stream()
        .mapToLong(now -> now.getValue() - start.getOrDefault(now.getKey(), 0L))
        .sum();
  }

  /** The next offset of each partition. */
  public Map<TopicPartition, Long> positions() {
    Map<TopicPartition, Long> positions = new HashMap<>();
    consumer.assignment().forEach(p -> positions.put(p, consumer.position(p)));
    return positions;
  }

  /** Whether everything before these positions has been read. */
  public boolean hasReached(Map<TopicPartition, Long> end) {
    return end.entrySet().stream().allMatch(e -> consumer.position(e.getKey()) >= e.getValue());
  }

  @Override
  public void close() {
    consumer.close();
  }
}
