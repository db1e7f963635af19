package io.shelfstream.embedding;

import io.shelfstream.broker.TopicOffsets;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.config.TopicNames;
import java.util.HashMap;
import java.util.Map;

/**
 * How far an embedding application has read the updates topic. Asks the broker, so that every
 * process knows it, also one that embeds nothing. Used by one thread.
 */
public final class EmbeddingProgress implements AutoCloseable {

  /**
   * The progress at one moment, in updates.
   *
   * @param complete whether everything that was there at the previous look is on the vectors topic;
   *     while updates keep coming, an application never reaches the very end
   */
  public record Look(long done, long all, boolean complete) {}

  private final TopicOffsets offsets;
  private final TopicNames topics;
  private final String group;
  private Map<Integer, Long> due = Map.of();
  private Map<Integer, Long> before = Map.of();

  /**
   * @param topics whose vectors topic the application writes
   * @param group its application id
   */
  public EmbeddingProgress(ShelfStreamConfig config, TopicNames topics, String group) {
    this.offsets = new TopicOffsets(config);
    this.topics = topics;
    this.group = group;
  }

  /**
   * Asks now.
   *
   * @throws org.apache.kafka.common.KafkaException when the broker does not answer
   */
  public Look look() {
    Map<Integer, Long> beginnings = offsets.beginnings(topics.galleryUpdates());
    Map<Integer, Long> reached = offsets.committed(group, topics.galleryUpdates());
    beginnings.forEach((partition, begin) -> reached.merge(partition, begin, Math::max));
    Map<Integer, Long> ends = offsets.ends(topics.galleryUpdates());
    boolean complete = !due.isEmpty() && hasDone(reached) && isReadable();
    due = ends;
    before = reached;
    return new Look(distance(beginnings, reached), distance(beginnings, ends), complete);
  }

  /**
   * Aborted records at the end of a partition never get a committed offset: Kafka Streams commits
   * past such records only after it has processed another one since its start. So if a partition
   * makes no progress, this looks whether any record is left in it.
   */
  private boolean hasDone(Map<Integer, Long> reached) {
    if (hasReached(reached, due)) {
      return true;
    }
    Map<Integer, Long> behind = new HashMap<>(reached);
    behind.entrySet().removeIf(e -> e.getValue() >= due.getOrDefault(e.getKey(), 0L));
    return before.entrySet().containsAll(behind.entrySet())
        && hasReached(offsets.committedEnds(topics.galleryUpdates()), due)
        && offsets.holdNothing(topics.galleryUpdates(), behind, due);
  }

  /**
   * Whether all written vectors can be read: offsets are committed a moment before the vectors of
   * the same transaction become readable.
   */
  private boolean isReadable() {
    Map<Integer, Long> written = offsets.ends(topics.galleryVectors());
    return hasReached(offsets.committedEnds(topics.galleryVectors()), written);
  }

  private static boolean hasReached(Map<Integer, Long> reached, Map<Integer, Long> goal) {
    return goal.entrySet().stream()
        .allMatch(e -> reached.getOrDefault(e.getKey(), 0L) >= e.getValue());
  }

  private static long distance(Map<Integer, Long> from, Map<Integer, Long> to) {
    return from.entrySet().stream()
        .mapToLong(e -> Math.max(0, to.getOrDefault(e.getKey(), 0L) - e.getValue()))
        .sum();
  }

  @Override
  public void close() {
    offsets.close();
  }
}
