package io.shelfstream.broker;

import io.shelfstream.config.ShelfStreamConfig;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Asks a broker for the first and last offsets of topics and the committed offsets of groups, by
 * partition. All methods throw {@link KafkaException} when the broker does not answer or refuses.
 */
public final class TopicOffsets implements AutoCloseable {
  private static final int PATIENCE_SECONDS = 15;

  private final ShelfStreamConfig config;
  private final Admin admin;

  public TopicOffsets(ShelfStreamConfig config) {
    this.config = config;
    this.admin = Admin.create(new LinkedHashMap<>(config.kafka()));
  }

  /** Offset of the first record; of the next one in an empty partition. */
  public Map<Integer, Long> beginnings(String topic) {
    return offsets(topic, OffsetSpec.earliest(), IsolationLevel.READ_UNCOMMITTED);
  }

  /** Offset of the next record that will be written. */
  public Map<Integer, Long> ends(String topic) {
    return offsets(topic, OffsetSpec.latest(), IsolationLevel.READ_UNCOMMITTED);
  }

  /** Offset up to which a reader of committed records can read now. */
  public Map<Integer, Long> committedEnds(String topic) {
    return offsets(topic, OffsetSpec.latest(), IsolationLevel.READ_COMMITTED);
  }

  private Map<Integer, Long> offsets(String topic, OffsetSpec spec, IsolationLevel isolation) {
    Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
    answer("partitions of " + topic, admin.describeTopics(List.of(topic)).allTopicNames())
        .values()
        .stream()
        .flatMap(description -> description.partitions().stream())
        .forEach(p -> asked.put(new TopicPartition(topic, p.partition()), spec));
    return answer(
            "offsets of " + topic,
            admin.listOffsets(asked, new ListOffsetsOptions(isolation)).all())
        .entrySet()
        .stream()
        .collect(Collectors.toMap(e -> e.getKey().partition(), e -> e.getValue().offset()));
  }

  /** The offsets that a group has committed; partitions without one are missing. */
  public Map<Integer, Long> committed(String group, String topic) {
    Map<TopicPartition, OffsetAndMetadata> all =
        answer(
            "offsets of group " + group,
            admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata());
    Map<Integer, Long> committed = new HashMap<>();
    all.forEach(
        (partition, offset) -> {
          if (offset != null && partition.topic().equals(topic)) {
            committed.put(partition.partition(), offset.offset());
          }
        });
    return committed;
  }

  /**
   * Whether readers of committed records find nothing between two offsets, because all records
   * there were aborted or mark the end of a transaction. Reads the topic for it.
   *
   * @param from of the partitions that are asked about
   * @param to of at least these
   * @return false also when this is not known within {@value #PATIENCE_SECONDS} s, as while a
   *     transaction is open
   */
  public boolean holdNothing(String topic, Map<Integer, Long> from, Map<Integer, Long> to) {
    Map<String, Object> settings = new HashMap<>(config.kafka());
    settings.remove("group.protocol"); // may be one that only Kafka Streams speaks
    settings.put("isolation.level", "read_committed");
    settings.put("enable.auto.commit", false);
    settings.put("auto.offset.reset", "earliest");
    settings.put("max.partition.fetch.bytes", 65_536); // the first record is the answer
    try (KafkaConsumer<byte[], byte[]> reader =
        new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      Map<TopicPartition, Long> ends = new HashMap<>();
      from.keySet().forEach(p -> ends.put(new TopicPartition(topic, p), to.getOrDefault(p, 0L)));
      reader.assign(ends.keySet());
      from.forEach(
          (partition, offset) -> reader.seek(new TopicPartition(topic, partition), offset));
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
      while (System.nanoTime() < deadline) {
        for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofMillis(100))) {
          if (record.offset() < to.getOrDefault(record.partition(), 0L)) {
            return false;
          }
        }
        // The position moves past aborted records although none is returned.
        if (ends.entrySet().stream().allMatch(e -> reader.position(e.getKey()) >= e.getValue())) {
          return true;
        }
      }
      return false;
    }
  }

  private static <T> T answer(String of, KafkaFuture<T> question) {
    try {
      return question.get();
    } catch (ExecutionException e) {
      Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
      throw new KafkaException(
          "The %s cannot be told: %s".formatted(of, cause.getMessage()), cause);
    } catch (InterruptedException e) {
      throw new InterruptException("Interrupted while asking for the " + of, e);
    }
  }

  @Override
  public void close() {
    admin.close();
  }
}
