package io.shelfstream.embedding;

import io.shelfstream.broker.TopicOffsets;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.config.TopicNames;
import java.util.HashMap;
import java.util.Map;

/**
 * How far an embedding application has come with the updates topic. Asks the broker, so that every
 * process sees it, those that embed nothing included. Used by one thread.
 */
public final class EmbeddingProgress implements AutoCloseable {

  /**
   * Updates by now.
   *
   * @param complete whether all that had been there at the look before lies on the vectors topic:
   *     while updates keep coming, an application is never quite at the end
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
   * An application has no offset to commit for what follows its last update and was taken back by
   * its publisher: Kafka Streams commits past such records only after one that it has processed
   * since it started. So where a partition does not get on, it is looked for what is left to do.
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
   * Offsets are committed a moment before the vectors of the same transaction can be read: whether
   * all that is written can be.
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
