package io.shelfstream.serving;

import io.shelfstream.client.TopicReader;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryOutcome;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.http.RefusedException;
import io.shelfstream.messages.EventSerdes;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.errors.SerializationException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The warnings about photos, as the status topic has them; it is read from the first question on.
 * Safe for several threads.
 */
final class PhotoWarnings implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PhotoWarnings.class);
  private static final Duration POLL = Duration.ofMillis(200);

  /** Photos with warnings; the ones that were warned of first are forgotten. */
  private static final int MOST = 10_000;

  private final ShelfStreamConfig config;
  private final EventSerdes serdes;
  private final Map<String, List<String>> warnings = new LinkedHashMap<>();
  private final TopicFollower follower =
      new TopicFollower("gallery-warnings", POLL, this::take, reader -> {});

  PhotoWarnings(ShelfStreamConfig config, EventSerdes serdes) {
    this.config = config;
    this.serdes = serdes;
  }

  /** By id of the photo; more may come while the topic is read for the first time. */
  Map<String, List<String>> all() {
    begin();
    synchronized (warnings) {
      return Map.copyOf(warnings);
    }
  }

  private void begin() {
    if (follower.isClosed()) {
      throw RefusedException.notReady("the service stops");
    }
    follower.begin(
        () -> new TopicReader(config, TopicReader.From.BEGINNING, config.topics().galleryStatus()));
  }

  private void take(ConsumerRecord<byte[], byte[]> record) {
    if (record.value() == null) {
      return;
    }
    GalleryStatus status;
    try {
      status =
          serdes
              .statuses()
              .deserializer()
              .deserialize(record.topic(), record.headers(), record.value());
    } catch (SerializationException e) {
      log.atDebug().setCause(e).log("A status cannot be read");
      return;
    }
    synchronized (warnings) {
      if (status.getOutcome() == GalleryOutcome.REMOVED
          || (status.getOutcome() == GalleryOutcome.APPLIED && status.getWarnings().isEmpty())) {
        warnings.remove(status.getGalleryImageId());
      } else if (status.getOutcome() == GalleryOutcome.APPLIED) {
        warnings.put(status.getGalleryImageId(), List.copyOf(status.getWarnings()));
        if (warnings.size() > MOST) {
          warnings.remove(warnings.keySet().iterator().next());
        }
      }
    }
  }

  @Override
  public void close() {
    follower.close();
  }
}
