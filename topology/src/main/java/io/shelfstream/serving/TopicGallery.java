package io.shelfstream.serving;

import io.shelfstream.client.EventProducer;
import io.shelfstream.client.GalleryPublisher;
import io.shelfstream.client.GalleryTopic;
import io.shelfstream.client.Progress;
import io.shelfstream.client.RecordLookup;
import io.shelfstream.client.UpdateOfVector;
import io.shelfstream.client.VectorFile;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.GalleryOutcome;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.fetch.FetchException;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.follower.LiveGallery;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.http.GalleryAccess;
import io.shelfstream.http.RefusedException;
import io.shelfstream.http.RefusedException.Kind;
import io.shelfstream.image.ImageDecoder;
import io.shelfstream.messages.EventSerdes;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.SerializationException;
import org.jspecify.annotations.Nullable;

/**
 * The live gallery of this process. Changes go through the updates topic, as those of everybody
 * else; whoever embeds photos answers them. Needs the rights to write that topic and to read all
 * three gallery topics, from the first call on that uses them.
 */
public final class TopicGallery implements GalleryAccess, AutoCloseable {
  private static final Duration IMPORT_PATIENCE = Duration.ofSeconds(60);
  private static final int MOST_SHOWN = 100;

  private final ShelfStreamConfig config;
  private final EventSerdes serdes;
  private final Supplier<LiveGallery> gallery;
  private final ImageFetcher fetcher;
  private final ImageDecoder decoder;
  private final StatusWatch statuses;
  private final PhotoWarnings warnings;
  private @Nullable EventProducer producer;
  private @Nullable RecordLookup lookup;

  /**
   * @param gallery the one that is searched at the moment
   */
  public TopicGallery(
      ShelfStreamConfig config,
      EventSerdes serdes,
      Supplier<LiveGallery> gallery,
      ImageFetcher fetcher) {
    this.config = config;
    this.serdes = serdes;
    this.gallery = gallery;
    this.fetcher = fetcher;
    this.decoder = new ImageDecoder(config.images().limits());
    this.statuses = new StatusWatch(config, serdes);
    this.warnings = new PhotoWarnings(config, serdes);
  }

  @Override
  public long version() {
    return gallery.get().state().version();
  }

  @Override
  public List<GalleryEntry> entries() {
    return gallery.get().entries();
  }

  @Override
  public Map<String, List<String>> warnings() {
    return onBroker(warnings::all);
  }

  @Override
  public Picture picture(String galleryImageId) {
    GalleryUpdate update = published(galleryImageId);
    String uri = update.getUri();
    if (uri == null) {
      throw RefusedException.noPicture("it came as an embedding, without a photo");
    }
    try {
      return new Picture(fetcher.fetch(uri, update.getSha256()), update.getCrop());
    } catch (FetchException e) {
      throw RefusedException.noPicture(String.valueOf(e.getMessage()));
    }
  }

  /**
   * The update that a photo of the gallery came from. Once it is no longer on its topic, its vector
   * stands for it.
   */
  private GalleryUpdate published(String id) {
    LiveGallery searched = gallery.get();
    OptionalLong offset = searched.offsetOf(id);
    if (offset.isEmpty()) {
      throw RefusedException.noPhoto(id);
    }
    return onBroker(
        () -> {
          Optional<GalleryVector> vector =
              find(searched.topic(), id, offset.getAsLong())
                  .flatMap(record -> decoded(serdes.vectors().deserializer()::deserialize, record));
          if (vector.isEmpty()) {
            throw new RefusedException(
                Kind.NOT_READY, "CHANGED", "The photo has just changed; come again");
          }
          return find(config.topics().galleryUpdates(), id, vector.get().getSourceOffset())
              .flatMap(record -> decoded(serdes.updates().deserializer()::deserialize, record))
              .orElseGet(() -> UpdateOfVector.of(vector.get()));
        });
  }

  private Optional<ConsumerRecord<byte[], byte[]>> find(String topic, String id, long offset) {
    RecordLookup found;
    synchronized (this) {
      if (lookup == null) {
        lookup = new RecordLookup(config);
      }
      found = lookup;
    }
    return found.find(topic, id, offset);
  }

  private interface Decoder<T> {
    T decode(String topic, org.apache.kafka.common.header.Headers headers, byte[] value);
  }

  private static <T> Optional<T> decoded(
      Decoder<T> decoder, ConsumerRecord<byte[], byte[]> record) {
    try {
      return record.value() == null
          ? Optional.empty()
          : Optional.of(decoder.decode(record.topic(), record.headers(), record.value()));
    } catch (SerializationException e) {
      return Optional.empty();
    }
  }

  @Override
  public Outcome add(NewPhoto photo, Duration wait) {
    byte[] encoded = photo.encoded();
    if (encoded != null && !config.images().fetchPolicy().allowData()) {
      throw new RefusedException(
          Kind.NOT_HERE,
          "NOT_ALLOWED",
          "images.allow.data = false: photos cannot be uploaded; give a uri");
    }
    Upload upload =
        encoded == null
            ? new Upload(String.valueOf(photo.uri()), photo.crop())
            : Upload.of(encoded, photo.crop(), decoder);
    return publish(
        photo.galleryImageId(),
        GalleryUpdate.newBuilder()
            .setGalleryImageId(photo.galleryImageId())
            .setProductId(photo.productId())
            .setLabel(photo.label())
            .setGtin(photo.gtin())
            .setUri(upload.uri())
            .setCrop(upload.crop())
            .setDetect(photo.detect())
            .setAttributes(photo.attributes())
            .build(),
        wait);
  }

  @Override
  public Outcome change(String id, Edit edit, Duration wait) {
    GalleryUpdate.Builder update = GalleryUpdate.newBuilder(published(id));
    Optional.ofNullable(edit.productId()).ifPresent(update::setProductId);
    Optional.ofNullable(edit.label()).ifPresent(update::setLabel);
    Optional.ofNullable(edit.gtin()).ifPresent(update::setGtin);
    Optional.ofNullable(edit.crop()).ifPresent(update::setCrop);
    Optional.ofNullable(edit.detect()).ifPresent(update::setDetect);
    Optional.ofNullable(edit.attributes()).ifPresent(update::setAttributes);
    return publish(id, update.build(), wait);
  }

  @Override
  public Outcome remove(String id, Duration wait) {
    return publish(id, null, wait);
  }

  private Outcome publish(String id, @Nullable GalleryUpdate update, Duration wait) {
    return onBroker(
        () -> {
          if (wait.isZero()) {
            send(id, update);
            return new Outcome(id, Optional.empty(), false);
          }
          try (StatusWatch.Waiter waiter = statuses.expect(id)) {
            waiter.published(send(id, update));
            Optional<GalleryStatus> status = waiter.await(wait);
            return new Outcome(
                id,
                status,
                status.filter(s -> s.getOutcome() == GalleryOutcome.SEARCHABLE).isPresent());
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw RefusedException.notReady("the service stops");
          }
        });
  }

  /** Returns the offset of the update. */
  private long send(String id, @Nullable GalleryUpdate update) {
    EventProducer used;
    synchronized (this) {
      if (producer == null) {
        producer = new EventProducer(config);
      }
      used = producer;
    }
    return used.publish(config.topics().galleryUpdates(), id, used.serdes().updates(), update);
  }

  private static <T> T onBroker(Supplier<T> question) {
    try {
      return question.get();
    } catch (KafkaException e) {
      throw RefusedException.notReady("the broker: " + e.getMessage());
    }
  }

  @Override
  public void export(Path file) throws IOException {
    new GalleryTopic(config, Progress.Reader.LOG).exportTo(file);
  }

  @Override
  public Imported load(Path file, boolean waits) throws IOException {
    GalleryPublisher publisher = new GalleryPublisher(config, IMPORT_PATIENCE, Progress.Reader.LOG);
    if (!VectorFile.is(file)) {
      throw new RefusedException(
          Kind.BAD_REQUEST, "BAD_REQUEST", "Send a file as /api/gallery/export gives it");
    }
    try (VectorFile.Reader reader = new VectorFile.Reader(file)) {
      Iterator<Map.Entry<String, @Nullable GalleryUpdate>> updates = UpdateOfVector.all(reader);
      int total = Math.max(0, reader.photos());
      if (!waits) {
        return new Imported(publisher.publish(updates, total), OptionalInt.empty(), List.of());
      }
      GalleryPublisher.Report report = publisher.publishAndWait(updates, total);
      return new Imported(
          report.applied() + report.rejected().size() + report.unanswered().size(),
          OptionalInt.of(report.applied()),
          report.rejected().stream().limit(MOST_SHOWN).toList());
    } catch (IllegalStateException e) {
      throw new RefusedException(Kind.BAD_REQUEST, "BAD_REQUEST", "The file: " + e.getMessage());
    }
  }

  @Override
  public void close() {
    statuses.close();
    warnings.close();
    synchronized (this) {
      if (producer != null) {
        producer.close();
      }
      if (lookup != null) {
        lookup.close();
      }
    }
  }
}
