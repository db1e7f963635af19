package io.shelfstream.broker;

import io.shelfstream.config.ShelfStreamConfig;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;

/**
 * Asks a broker where topics begin and end and how far groups have come, by partition. All methods
 * throw {@link KafkaException} when the broker does not answer or refuses.
 */
public final class TopicOffsets implements AutoCloseable {

  private final Admin admin;

  public TopicOffsets(ShelfStreamConfig config) {
    this.admin = Admin.create(new LinkedHashMap<>(config.kafka()));
  }

  /** Where the first record is, or would be. */
  public Map<Integer, Long> beginnings(String topic) {
    return offsets(topic, OffsetSpec.earliest(), IsolationLevel.READ_UNCOMMITTED);
  }

  /** Where the next record will be written. */
  public Map<Integer, Long> ends(String topic) {
    return offsets(topic, OffsetSpec.latest(), IsolationLevel.READ_UNCOMMITTED);
  }

  /** How far a reader gets that waits for transactions to end. */
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
