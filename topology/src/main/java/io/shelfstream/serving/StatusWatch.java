package io.shelfstream.serving;

import io.shelfstream.client.TopicReader;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryOutcome;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.messages.EventSerdes;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.SerializationException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the status topic for callers who wait for what becomes of their update; reads it from the
 * first wait on. Safe for several threads.
 */
final class StatusWatch implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(StatusWatch.class);
  private static final Duration POLL = Duration.ofMillis(100);

  private final ShelfStreamConfig config;
  private final EventSerdes serdes;
  private final Map<String, List<Waiter>> waiters = new ConcurrentHashMap<>();
  private final TopicFollower follower =
      new TopicFollower("gallery-status", POLL, this::take, reader -> {});

  StatusWatch(ShelfStreamConfig config, EventSerdes serdes) {
    this.config = config;
    this.serdes = serdes;
  }

  /** Somebody who waits for one update. */
  final class Waiter implements AutoCloseable {
    private final String id;
    private long offset = Long.MAX_VALUE;
    private @Nullable GalleryStatus last;

    /** Statuses that came before the offset was known, the newest ones. */
    private final List<GalleryStatus> early = new CopyOnWriteArrayList<>();

    private Waiter(String id) {
      this.id = id;
    }

    private synchronized void take(GalleryStatus status) {
      if (offset == Long.MAX_VALUE) {
        early.add(status);
      } else if (status.getSourceOffset() == offset) {
        last = status;
        notifyAll();
      }
    }

    /** Says which update it is. */
    synchronized void published(long at) {
      offset = at;
      early.forEach(this::take);
    }

    /** The last status, when it is final or the time is over; empty when none came. */
    synchronized Optional<GalleryStatus> await(Duration atMost) throws InterruptedException {
      long until = System.nanoTime() + atMost.toNanos();
      while (!isFinal() && !follower.isClosed()) {
        long left = until - System.nanoTime();
        if (left <= 0) {
          break;
        }
        TimeUnit.NANOSECONDS.timedWait(this, left);
      }
      return Optional.ofNullable(last);
    }

    private boolean isFinal() {
      return last != null
          && (last.getOutcome() == GalleryOutcome.SEARCHABLE
              || last.getOutcome() == GalleryOutcome.REJECTED);
    }

    @Override
    public void close() {
      waiters.computeIfPresent(
          id,
          (key, all) -> {
            all.remove(this);
            return all.isEmpty() ? null : all;
          });
    }
  }

  /**
   * Begins to wait for the update of a photo that is published next.
   *
   * @throws KafkaException when the status topic cannot be read
   */
  Waiter expect(String galleryImageId) {
    begin();
    Waiter waiter = new Waiter(galleryImageId);
    waiters.compute(
        galleryImageId,
        (key, all) -> {
          List<Waiter> more = all == null ? new CopyOnWriteArrayList<>() : all;
          more.add(waiter);
          return more;
        });
    return waiter;
  }

  /** Returns when the end of the topic is known, so that no later status is missed. */
  private void begin() {
    follower.begin(
        () -> new TopicReader(config, TopicReader.From.END, config.topics().galleryStatus()));
  }

  private void take(ConsumerRecord<byte[], byte[]> record) {
    if (waiters.isEmpty() || record.value() == null) {
      return;
    }
    try {
      GalleryStatus status =
          serdes
              .statuses()
              .deserializer()
              .deserialize(record.topic(), record.headers(), record.value());
      waiters.getOrDefault(status.getGalleryImageId(), List.of()).forEach(w -> w.take(status));
    } catch (SerializationException e) {
      log.atDebug().setCause(e).log("A status cannot be read");
    }
  }

  @Override
  public void close() {
    follower.close();
  }
}
