package io.shelfstream.embedding;

import io.shelfstream.events.GalleryOutcome;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.logging.RepeatedWarning;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.Record;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Receives statuses and dead letters in place of their topics while photos are embedded again for
 * the next extractor, because nobody waits for them. Logs photos that cannot be embedded, for
 * example because their image no longer exists.
 */
public final class Rejections implements Processor<Object, Object, Void, Void> {
  private static final Logger log = LoggerFactory.getLogger(Rejections.class);

  private final RepeatedWarning rejected = new RepeatedWarning();

  @Override
  public void process(Record<Object, Object> record) {
    if (record.value() instanceof GalleryStatus status
        && status.getOutcome() == GalleryOutcome.REJECTED) {
      rejected.log(
          log.atWarn()
              .addKeyValue("galleryImageId", status.getGalleryImageId())
              .addKeyValue("offset", status.getSourceOffset())
              .addKeyValue("reason", status.getReason()),
          "Photo was not embedded for the next extractor: {}",
          String.valueOf(status.getMessage()));
    }
  }
}
