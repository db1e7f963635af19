package io.shelfstream.embedding;

import io.shelfstream.config.NodeNames;
import io.shelfstream.config.TopicNames;
import io.shelfstream.events.GalleryOutcome;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.fetch.PatientFetcher;
import io.shelfstream.fetch.References;
import io.shelfstream.follower.InFlightPhotos;
import io.shelfstream.gallery.Embeddings;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.gallery.Gtin;
import io.shelfstream.image.PixelBox;
import io.shelfstream.logging.LogContext;
import io.shelfstream.messages.DeadLetter;
import io.shelfstream.messages.EventHeaders;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.messages.FieldLimits;
import io.shelfstream.messages.RecordHeaderText;
import io.shelfstream.messages.RecordLimits;
import io.shelfstream.messages.SourcePosition;
import io.shelfstream.messages.TraceContext;
import io.shelfstream.recognition.Boxes;
import io.shelfstream.recognition.ImageRecognition;
import io.shelfstream.recognition.RejectedException;
import io.shelfstream.recognition.Stage;
import io.shelfstream.recognition.StageTimes;
import io.shelfstream.streams.Deliveries;
import io.shelfstream.streams.EarlyCommits;
import io.shelfstream.streams.FailedRecords;
import io.shelfstream.streams.ReadProgress;
import io.shelfstream.tracing.Traces;
import io.shelfstream.tracing.WorkSpan;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.jspecify.annotations.Nullable;

/**
 * Embeds each gallery photo once, for all instances: every update becomes a vector (or the removal
 * of one) and a status; what cannot be used becomes a status and a dead letter.
 */
public final class GalleryUpdateProcessor
    extends ContextualProcessor<byte[], byte[], Object, Object> {
  /**
   * How often photos that became searchable are reported while no update comes; the reported times
   * are exact.
   */
  private static final Duration SEARCHABLE_EVERY = Duration.ofMillis(100);

  /** Settings of Kafka Streams for the application of this processor. */
  public static final Map<String, ?> SETTINGS =
      Map.of(
          // For updates that are not committed early. A shorter interval would slow down the
          // embedding of a whole history: a transaction takes some 10 ms.
          StreamsConfig.COMMIT_INTERVAL_MS_CONFIG,
          50,
          // None of its timers has to be exact, and an arriving record ends a poll at once.
          StreamsConfig.POLL_MS_CONFIG,
          20,
          // A broker that has not ended the last transaction yet refuses the next one's first
          // record; it takes some milliseconds, and Kafka's pause is 100.
          StreamsConfig.producerPrefix("retry.backoff.ms"),
          10);

  /** When Kafka Streams gives no position, which never happens within {@code process}. */
  private static final SourcePosition UNKNOWN_POSITION = new SourcePosition("unknown", -1, -1);

  private final TopicNames topics;
  private final EventSerdes serdes;
  private final PatientFetcher fetcher;
  private final PhotoEmbedder photos;
  private final @Nullable GalleryLinter linter;
  private final @Nullable InFlightPhotos inFlight;
  private final Deliveries deliveries;
  private final RecordLimits limits;
  private final String source;
  private final @Nullable UpdateMetrics metrics;
  private final Traces traces;
  private final EarlyCommits earlyCommits = new EarlyCommits();
  private @Nullable Sensor setAsideRecords;
  private ReadProgress.@Nullable Partition progress;

  /**
   * @param linter null when nobody reads warnings
   * @param inFlight null when nobody asks when photos become searchable
   * @param metrics null when its statuses are not written
   */
  public GalleryUpdateProcessor(
      TopicNames topics,
      EventSerdes serdes,
      PatientFetcher fetcher,
      PhotoEmbedder photos,
      @Nullable GalleryLinter linter,
      @Nullable InFlightPhotos inFlight,
      Deliveries deliveries,
      RecordLimits limits,
      String source,
      @Nullable UpdateMetrics metrics,
      Traces traces) {
    this.topics = topics;
    this.serdes = serdes;
    this.fetcher = fetcher;
    this.photos = photos;
    this.linter = linter;
    this.inFlight = inFlight;
    this.deliveries = deliveries;
    this.limits = limits;
    this.source = source;
    this.metrics = metrics;
    this.traces = traces;
  }

  @Override
  public void init(ProcessorContext<Object, Object> context) {
    super.init(context);
    setAsideRecords = FailedRecords.sensor(context);
    close(); // it may be called again
    progress = deliveries.progress().open(topics.galleryUpdates(), context.taskId().partition());
    if (inFlight != null) {
      InFlightPhotos sent = inFlight;
      context.schedule(
          SEARCHABLE_EVERY, PunctuationType.WALL_CLOCK_TIME, now -> publish(sent.arrived()));
    }
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    long taken = System.currentTimeMillis();
    SourcePosition position =
        context().recordMetadata().map(SourcePosition::of).orElse(UNKNOWN_POSITION);
    ReadProgress.Partition reading = Objects.requireNonNull(progress, "process before init");
    reading.inHand(1, record.timestamp());
    reading.taken(position.offset());
    WorkSpan span = traces.process(position, record.headers(), "");
    try (LogContext.Scope context =
        LogContext.of(
            position.topic(),
            position.partition(),
            position.offset(),
            null,
            () -> span.traceId(record.headers()))) {
      deliveries.send(position, () -> answer(record, position, span));
    } catch (RuntimeException | Error e) {
      span.failed(e);
      throw e;
    } finally {
      span.end();
    }
    reading.inHand(0, 0);
    if (inFlight != null) {
      publish(inFlight.arrived()); // in the transaction of this update, not in another one
    }
    if (earlyCommits.isDue(record.timestamp(), taken, System.currentTimeMillis())) {
      context().commit();
    }
  }

  private void answer(Record<byte[], byte[]> record, SourcePosition position, WorkSpan span) {
    GalleryStatus.Builder status =
        GalleryStatus.newBuilder()
            .setGalleryImageId(Objects.requireNonNullElse(RecordHeaderText.text(record.key()), ""))
            .setSourceOffset(position.offset())
            .setPublishedAt(Instant.ofEpochMilli(record.timestamp()));
    StageTimes times = new StageTimes();
    GalleryVector vector;
    try {
      Optional<RejectedException> setAside = deliveries.failed().setAside(position);
      if (setAside.isPresent()) {
        reject(record, position, status, setAside.get(), true, span);
        return;
      }
      String id = FieldLimits.key(record.key());
      if (id.isBlank()) {
        throw invalid("Gallery update without a key: its key must be the galleryImageId");
      }
      status.setGalleryImageId(id);
      vector = record.value() == null ? null : embed(id, record, status, times);
    } catch (RejectedException e) {
      times.fail(e);
      span.stages(times, e);
      reject(record, position, status, e, false, span);
      return;
    }
    span.stages(times, null);
    status.setOutcome(vector == null ? GalleryOutcome.REMOVED : GalleryOutcome.APPLIED);
    GalleryStatus answer = status.setEmbeddedAt(Instant.now()).build();
    span.answered(answer);
    span.publish(topics.galleryVectors(), null, () -> publish(record, answer, vector));
  }

  private void publish(
      Record<byte[], byte[]> record, GalleryStatus answer, @Nullable GalleryVector vector) {
    String id = answer.getGalleryImageId();
    // Before it is sent: the follower may see it at once.
    if (inFlight != null) {
      inFlight.sent(new InFlightPhotos.Update(answer, kept(record.headers()), photo(vector)));
    }
    context()
        .forward(
            record
                .withKey(id)
                .withValue(vector)
                .withHeaders(EventHeaders.handedOn(record.headers())),
            NodeNames.GALLERY_VECTORS);
    publish(record.withKey(id).withValue(answer));
  }

  /** Headers of an update for its second status, which continues the trace from where we are. */
  private static Headers kept(Headers source) {
    TraceContext current = TraceContext.current();
    return current == null
        ? EventHeaders.keepable(source)
        : current.on(EventHeaders.handedOn(source));
  }

  /**
   * @param isSetAside whether its processing failed twice: then none of its content is passed on
   */
  private void reject(
      Record<byte[], byte[]> record,
      SourcePosition position,
      GalleryStatus.Builder status,
      RejectedException e,
      boolean isSetAside,
      WorkSpan span) {
    int omitted = 0;
    Record<byte[], byte[]> shown = record;
    if (isSetAside) {
      shown = DeadLetter.withoutContent(record);
      omitted = Math.max(1, RecordLimits.length(record.value()));
      if (setAsideRecords != null) {
        setAsideRecords.record();
      }
    }
    Record<byte[], byte[]> deadLetter =
        DeadLetter.of(shown, position, e, omitted, limits.deadLetter());
    if (References.holdsSecret(status.getGalleryImageId())) {
      status.setGalleryImageId(References.id(status.getGalleryImageId()));
    }
    status.setOutcome(GalleryOutcome.REJECTED).setReason(e.reason()).setMessage(e.message());
    GalleryStatus answer = status.setEmbeddedAt(Instant.now()).build();
    Headers headers = shown.headers();
    span.answered(answer);
    span.rejected(e);
    span.publish(
        topics.deadLetters(),
        null,
        () -> {
          context().forward(deadLetter, NodeNames.GALLERY_DEAD_LETTERS);
          publish(new Record<>(answer.getGalleryImageId(), answer, record.timestamp(), headers));
        });
  }

  private static InFlightPhotos.@Nullable Photo photo(@Nullable GalleryVector vector) {
    if (vector == null) {
      return null;
    }
    GalleryEntry entry =
        new GalleryEntry(
            vector.getGalleryImageId(),
            vector.getProductId(),
            vector.getLabel(),
            vector.getGtin(),
            vector.getAttributes());
    return new InFlightPhotos.Photo(entry, Embeddings.decode(vector.getEmbedding()));
  }

  /** A second status, with the time that only the follower of this process knows. */
  private void publish(List<InFlightPhotos.Update> searchable) {
    for (InFlightPhotos.Update update : searchable) {
      GalleryStatus status = update.status();
      Instant at = Objects.requireNonNull(status.getSearchableAt());
      traces.later(
          "searchable",
          update.headers(),
          Objects.requireNonNullElse(status.getEmbeddedAt(), at),
          at,
          () ->
              publish(
                  new Record<>(
                      status.getGalleryImageId(), status, at.toEpochMilli(), update.headers())));
    }
  }

  private void publish(Record<String, GalleryStatus> record) {
    GalleryStatus status = record.value();
    boolean searchable = status.getOutcome() == GalleryOutcome.SEARCHABLE;
    String id = status.getGalleryImageId() + "@" + status.getSourceOffset();
    var attributes =
        new EventHeaders.Attributes(
            searchable ? id + "@searchable" : id,
            source,
            "io.shelfstream.gallery-status.v1",
            record.key(),
            searchable ? status.getSearchableAt() : status.getEmbeddedAt(),
            "application/avro");
    var headers =
        EventHeaders.of(record.headers(), TraceContext.continuing(record.headers()), attributes);
    context().forward(record.withHeaders(headers), NodeNames.GALLERY_STATUS);
    if (metrics != null) {
      metrics.published(status);
    }
  }

  private GalleryVector embed(
      String id, Record<byte[], byte[]> record, GalleryStatus.Builder status, StageTimes times)
      throws RejectedException {
    GalleryUpdate update = serdes.readUpdate(topics.galleryUpdates(), record);
    status.setProductId(update.getProductId());
    String gtin = check(id, update);
    GalleryVector.Builder vector =
        GalleryVector.newBuilder()
            .setGalleryImageId(id)
            .setProductId(update.getProductId())
            .setLabel(update.getLabel())
            .setGtin(gtin)
            .setExtractor(photos.extractorId())
            .setSourceOffset(status.getSourceOffset())
            .setAttributes(update.getAttributes());
    if (update.getEmbedding() != null) {
      return complete(vector.setSha256(update.getSha256()), ready(update));
    }
    times.lap(Stage.READ);
    byte[] encoded =
        ImageRecognition.fetch(fetcher, update.getUri(), update.getSha256(), () -> true);
    times.lap(Stage.FETCH);
    try {
      PixelBox crop = update.getCrop() == null ? null : Boxes.toPixels(update.getCrop());
      PhotoEmbedder.Embedded photo = photos.embed(encoded, crop, update.getDetect(), times);
      if (linter != null) {
        status.setWarnings(linter.lint(id, update.getProductId(), photo));
      }
      return complete(vector.setSha256(sha256(encoded)), photo.embedding());
    } catch (RuntimeException e) {
      throw RejectedException.unexpected(Stage.EXTRACT, e);
    }
  }

  private static GalleryVector complete(GalleryVector.Builder vector, float[] embedding) {
    return vector.setEmbedding(Embeddings.encode(embedding)).setDimension(embedding.length).build();
  }

  private static String sha256(byte[] encoded) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(encoded));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** Returns the GTIN in its normal form, or null when there is none. */
  private static @Nullable String check(String id, GalleryUpdate update) throws RejectedException {
    if (!id.equals(update.getGalleryImageId())) {
      throw invalid(
          "Key '%s' differs from galleryImageId '%s'; publish the update under its galleryImageId"
              .formatted(id, update.getGalleryImageId()));
    }
    if (update.getProductId().isBlank() || update.getLabel().isBlank()) {
      throw invalid("Gallery update '" + id + "' lacks a productId or a label; give both");
    }
    if ((update.getUri() == null) == (update.getEmbedding() == null)) {
      throw invalid("Gallery update '" + id + "' needs either a uri or an embedding, not both");
    }
    try {
      return update.getGtin() == null ? null : Gtin.normalise(update.getGtin());
    } catch (IllegalArgumentException e) {
      throw invalid(String.valueOf(e.getMessage()));
    }
  }

  /**
   * An embedding that came with the update: checked to be of our extractor, and normalised to unit
   * length.
   */
  private float[] ready(GalleryUpdate update) throws RejectedException {
    if (!photos.extractorId().equals(update.getExtractor())) {
      throw new RejectedException(
          Stage.READ,
          RejectedException.Reason.FOREIGN_EXTRACTOR,
          "The embedding of '%s' is of extractor '%s', but '%s' is in use: embeddings of different extractors cannot be compared; publish the photo instead"
              .formatted(update.getGalleryImageId(), update.getExtractor(), photos.extractorId()));
    }
    int expected = photos.models().extractor().dimension();
    List<Float> values = update.getEmbedding();
    if (values.size() != expected) {
      throw invalid(
          "The embedding of '%s' has %d values, expected %d"
              .formatted(update.getGalleryImageId(), values.size(), expected));
    }
    float[] given = new float[expected];
    for (int i = 0; i < expected; i++) {
      given[i] = values.get(i);
    }
    try {
      return Embeddings.unit(given);
    } catch (IllegalArgumentException e) {
      throw invalid(
          "The embedding of '%s' is all zero or not finite".formatted(update.getGalleryImageId()));
    }
  }

  @Override
  public void close() {
    if (progress != null) {
      progress.close();
      progress = null;
    }
  }

  private static RejectedException invalid(String message) {
    return new RejectedException(Stage.READ, RejectedException.Reason.INVALID_RECORD, message);
  }
}
