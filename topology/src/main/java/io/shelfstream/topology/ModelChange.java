package io.shelfstream.topology;

import io.shelfstream.config.NextModels;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.config.TopicNames;
import io.shelfstream.embedding.EmbeddingProgress;
import io.shelfstream.embedding.PhotoEmbedder;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.recognition.LoadedModels;
import io.shelfstream.recognition.RecognitionModels;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.KafkaException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The change to the next models. Another embedding application embeds the whole history of the
 * gallery with the next extractor, into a topic of its own. When all of it is there, recognition
 * may switch to the gallery of that topic.
 */
final class ModelChange implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ModelChange.class);
  private static final Duration PAUSE = Duration.ofSeconds(1);
  private static final Duration REPORT = Duration.ofSeconds(10);

  private final ShelfStreamConfig config;
  private final TopicNames topics;
  private final LoadedModels models;

  /**
   * Empty and never searched: {@link RecognitionModels} needs a gallery, embedding a photo does
   * not.
   */
  private final Gallery none;

  private final EmbeddingProgress progress;
  private final CountDownLatch closed = new CountDownLatch(1);

  /**
   * Loads the next models.
   *
   * @throws io.shelfstream.model.ModelException when they do not load, or have the extractor that
   *     is in use already
   */
  static ModelChange to(NextModels next, ShelfStreamConfig config, ModelDirectory current) {
    LoadedModels models = LoadedModels.load(next.directory(), config.models().options());
    if (models.directory().extractorId().equals(current.extractorId())) {
      models.close();
      throw new IllegalStateException(
          "models.next.dir = %s has the extractor that is in use, %s: nothing has to be embedded again; name the directory in models.dir and restart"
              .formatted(next.directory(), current.extractorId()));
    }
    return new ModelChange(config, next, models);
  }

  private ModelChange(ShelfStreamConfig config, NextModels next, LoadedModels models) {
    this.config = config;
    this.topics = config.topics().withGalleryVectors(next.vectors());
    this.models = models;
    ModelDirectory directory = models.directory();
    this.none = new Gallery("Flat", directory.extractorDimension(), directory.extractorId());
    this.progress = new EmbeddingProgress(config, topics, applicationId());
  }

  /** Id of the application that embeds for the next extractor. */
  String applicationId() {
    return config.galleryApplicationId(topics, models.directory().extractorId());
  }

  TopicNames topics() {
    return topics;
  }

  /** Embeds photos with the next models. */
  PhotoEmbedder photos() {
    return new PhotoEmbedder(RecognitionModels.of(config, models, none));
  }

  LoadedModels models() {
    return models;
  }

  /** Whether the next gallery is complete already, as after a restart. */
  boolean isComplete() {
    progress.look();
    return !pause() && progress.look().complete();
  }

  /**
   * Waits until the next gallery is complete, and logs how long that will take.
   *
   * @return false when this was closed before
   */
  boolean awaitComplete() {
    long reported = System.nanoTime() - REPORT.toNanos();
    long doneThen = -1;
    do {
      try {
        EmbeddingProgress.Look now = progress.look();
        if (now.complete()) {
          log.atInfo()
              .addKeyValue("extractor", models.directory().extractorId())
              .addKeyValue("updates", now.done())
              .log("The gallery of the next extractor is complete");
          return true;
        }
        double seconds = (System.nanoTime() - reported) / 1e9;
        if (seconds >= REPORT.toSeconds()) {
          report(now, doneThen < 0 ? 0 : (now.done() - doneThen) / seconds);
          reported = System.nanoTime();
          doneThen = now.done();
        }
      } catch (KafkaException e) {
        log.atWarn().log("Progress of the next extractor is not known: {}", e.getMessage());
      }
    } while (!pause());
    return false;
  }

  private void report(EmbeddingProgress.Look now, double rate) {
    long left = now.all() - now.done();
    log.atInfo()
        .addKeyValue("extractor", models.directory().extractorId())
        .addKeyValue("topic", topics.galleryVectors())
        .addKeyValue("perSecond", Math.round(rate))
        .addKeyValue("remaining", rate > 0 ? Duration.ofSeconds((long) (left / rate)) : "unknown")
        .log("Embedding for the next extractor: {} of {} updates", now.done(), now.all());
  }

  /** Returns true when this was closed meanwhile. */
  private boolean pause() {
    try {
      return closed.await(PAUSE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }

  /** Ends a wait. */
  void cancel() {
    closed.countDown();
  }

  /** Frees the models; nothing may use them any more. */
  @Override
  public void close() {
    cancel();
    progress.close();
    none.close();
    models.close();
  }
}
