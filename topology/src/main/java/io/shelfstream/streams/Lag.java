package io.shelfstream.streams;

import io.micrometer.core.instrument.MultiGauge;
import io.shelfstream.broker.TopicOffsets;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.metrics.Metric;
import io.shelfstream.metrics.ServiceMetrics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InterruptException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Shows how many records of each partition of this process are not answered, and for how long.
 *
 * <p>A thread of its own asks the broker for the ends of the partitions: what Kafka's consumer says
 * of its lag stands still while it is paused, which is when a window is full and a queue grows. A
 * scrape never asks the broker, so that it answers at once also when the broker does not; after a
 * minute without an answer the partitions are no longer shown, as nothing is known of them.
 */
public final class Lag implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Lag.class);
  private static final Duration EVERY = Duration.ofSeconds(5);
  private static final Duration BELIEVED = Duration.ofMinutes(1);

  private final ShelfStreamConfig config;
  private final MultiGauge records;
  private final MultiGauge seconds;
  private final List<Watched> watched = new CopyOnWriteArrayList<>();
  private final Map<ReadProgress.Partition, Standing> standings = new HashMap<>();
  private final Thread asking = new Thread(this::askAgainAndAgain, "lag");
  private long answeredAt = System.nanoTime();

  private record Watched(String application, ReadProgress progress) {}

  public Lag(ShelfStreamConfig config, ServiceMetrics metrics) {
    this.config = config;
    this.records = metrics.rows(Metric.LAG_RECORDS);
    this.seconds = metrics.rows(Metric.LAG);
    asking.setDaemon(true);
  }

  /** Begins to ask; the broker must have answered before. */
  public void start() {
    asking.start();
  }

  /**
   * Shows the partitions of an application, too.
   *
   * @param application its id, which is also its consumer group
   */
  public void watch(String application, ReadProgress progress) {
    watched.add(new Watched(application, progress));
  }

  /** What is known of a partition; changed by the thread that asks, read by scrapes. */
  static final class Standing {
    private final ReadProgress.Partition partition;
    private volatile long start = -1;
    private volatile long end = -1;

    private volatile @Nullable Waiting waiting;

    /**
     * Records wait and none is in hand.
     *
     * @param next offset of the first of them
     * @param since when this was first seen, epoch ms
     */
    private record Waiting(long next, long since) {}

    Standing(ReadProgress.Partition partition) {
      this.partition = partition;
    }

    void startsAt(@Nullable Long offset) {
      start = offset == null ? -1 : offset;
    }

    /** The offset of the next record that will be written. */
    void endsAt(long offset, long now) {
      end = offset;
      Waiting before = waiting;
      long next = partition.next(start);
      if (end <= next || partition.recordsInHand() > 0) {
        waiting = null;
      } else if (before == null || before.next() != next) {
        waiting = new Waiting(next, now);
      }
    }

    private long unread() {
      return Math.max(0, end - partition.next(start));
    }

    double records() {
      return unread() + (double) partition.recordsInHand();
    }

    double seconds(long now) {
      long oldest = partition.oldestInHand();
      Waiting known = waiting;
      if (oldest < 0 && known != null && unread() > 0) {
        oldest = known.since();
      }
      return oldest < 0 ? 0 : Math.max(0, now - oldest) / 1e3;
    }
  }

  private void askAgainAndAgain() {
    try (TopicOffsets offsets = new TopicOffsets(config)) {
      while (!Thread.currentThread().isInterrupted()) {
        ask(offsets);
        Thread.sleep(EVERY.toMillis());
      }
    } catch (InterruptedException | InterruptException e) {
      Thread.currentThread().interrupt(); // closed
    }
  }

  private void ask(TopicOffsets offsets) {
    try {
      Map<String, Map<Integer, Long>> ends = new HashMap<>();
      Set<ReadProgress.Partition> there = new HashSet<>();
      List<MultiGauge.Row<?>> rowsOfRecords = new ArrayList<>();
      List<MultiGauge.Row<?>> rowsOfSeconds = new ArrayList<>();
      for (Watched application : watched) {
        for (ReadProgress.Partition partition : application.progress().partitions()) {
          String topic = partition.at().topic();
          Long end =
              ends.computeIfAbsent(topic, offsets::committedEnds).get(partition.at().partition());
          if (end == null) {
            continue; // the topic was deleted
          }
          Standing standing =
              standings.computeIfAbsent(partition, p -> started(offsets, application, p));
          standing.endsAt(end, System.currentTimeMillis());
          there.add(partition);
          String[] tags = {
            application.application(), topic, Integer.toString(partition.at().partition())
          };
          rowsOfRecords.add(
              ServiceMetrics.row(Metric.LAG_RECORDS, standing, Standing::records, tags));
          rowsOfSeconds.add(
              ServiceMetrics.row(
                  Metric.LAG, standing, s -> s.seconds(System.currentTimeMillis()), tags));
        }
      }
      standings.keySet().retainAll(there);
      records.register(rowsOfRecords, true);
      seconds.register(rowsOfSeconds, true);
      answeredAt = System.nanoTime();
    } catch (InterruptException e) {
      throw e;
    } catch (KafkaException e) {
      log.atDebug().setCause(e).log("The lag is not known at the moment");
      if (System.nanoTime() - answeredAt > BELIEVED.toNanos()) {
        records.register(List.of(), true);
        seconds.register(List.of(), true);
      }
    }
  }

  /** Where an application reads on; only needed until its consumer has returned anything. */
  private static Standing started(
      TopicOffsets offsets, Watched application, ReadProgress.Partition partition) {
    Standing standing = new Standing(partition);
    String topic = partition.at().topic();
    Integer number = partition.at().partition();
    Long committed = offsets.committed(application.application(), topic).get(number);
    standing.startsAt(committed != null ? committed : offsets.beginnings(topic).get(number));
    return standing;
  }

  /** Asks no more. Idempotent. */
  @Override
  public void close() {
    asking.interrupt();
  }
}
