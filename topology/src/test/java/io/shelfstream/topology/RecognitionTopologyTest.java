package io.shelfstream.topology;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.shelfstream.config.LintRules;
import io.shelfstream.config.NodeNames;
import io.shelfstream.config.Outputs;
import io.shelfstream.config.OverloadSettings;
import io.shelfstream.config.TopicNames;
import io.shelfstream.detect.Detection;
import io.shelfstream.detect.Profile;
import io.shelfstream.embedding.GalleryLinter;
import io.shelfstream.embedding.PhotoEmbedder;
import io.shelfstream.embedding.UpdateMetrics;
import io.shelfstream.events.BoundingBox;
import io.shelfstream.events.Candidate;
import io.shelfstream.events.GalleryOutcome;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.GalleryUpdate;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.events.ImageReference;
import io.shelfstream.events.MatchStatus;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognitionStatus;
import io.shelfstream.events.RecognizedObject;
import io.shelfstream.fetch.BucketRules;
import io.shelfstream.fetch.FetchLimits;
import io.shelfstream.fetch.FetchPolicy;
import io.shelfstream.fetch.HttpRules;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.fetch.PatientFetcher;
import io.shelfstream.follower.InFlightPhotos;
import io.shelfstream.frames.FrameAnswers;
import io.shelfstream.frames.FrameProcessorSupplier;
import io.shelfstream.frames.FrameProcessorTest;
import io.shelfstream.frames.FrameTraces;
import io.shelfstream.frames.FramesInHand;
import io.shelfstream.gallery.Embeddings;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.gallery.GallerySnapshots;
import io.shelfstream.image.ImageDecoder;
import io.shelfstream.image.ImageLimits;
import io.shelfstream.image.PixelBox;
import io.shelfstream.logging.LogContext;
import io.shelfstream.messages.DeadLetter;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.messages.RecordHeaderText;
import io.shelfstream.messages.RecordLimits;
import io.shelfstream.metrics.FrameMetrics;
import io.shelfstream.metrics.ServiceMetrics;
import io.shelfstream.model.ModelException;
import io.shelfstream.recognition.ColourExtractor;
import io.shelfstream.recognition.FrameFilters;
import io.shelfstream.recognition.FrameRecognizer;
import io.shelfstream.recognition.MatchPolicy;
import io.shelfstream.recognition.ModelIds;
import io.shelfstream.recognition.Pictures;
import io.shelfstream.recognition.RecognitionModels;
import io.shelfstream.recognition.RecognizerLimits;
import io.shelfstream.recognition.RejectedException;
import io.shelfstream.recognition.ScriptedDetector;
import io.shelfstream.registry.SchemaRegistryClient;
import io.shelfstream.streams.EarlyCommits;
import io.shelfstream.streams.FailedRecords;
import io.shelfstream.streams.WakeableClients;
import io.shelfstream.tracing.Traces;
import java.awt.Color;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.test.TestRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** The whole data path with plain colours for products: no broker, no model, no native index. */
class RecognitionTopologyTest {
  private static final RecordLimits LIMITS = RecordLimits.all(10 << 20);
  private static final TopicNames TOPICS = TopicNames.DEFAULT;
  private static final Instant NOW = Instant.parse("2026-11-24T08:00:00Z");
  private static final String EXTRACTOR = "colour@000000000000";

  private final ScriptedDetector detector = new ScriptedDetector();
  private final Gallery gallery = new Gallery("Flat", 3, EXTRACTOR);
  private final InFlightPhotos inFlight = new InFlightPhotos();
  private final EventSerdes serdes =
      EventSerdes.with(SchemaRegistryClient.create("mock://topology-test"));
  private final ImageFetcher fetcher =
      new ImageFetcher(
          new FetchPolicy(
              List.of(),
              true,
              HttpRules.NONE,
              BucketRules.NONE,
              new FetchLimits(1_000_000, Duration.ofSeconds(1), Duration.ofSeconds(1))));
  private final PatientFetcher patient = new PatientFetcher(fetcher, Duration.ZERO);

  private FrameRecognizer recognizer;
  private FrameAnswers answers;
  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

  private List<Topology> topologies;
  private List<TopologyTestDriver> drivers;
  private TestInputTopic<String, byte[]> frames;
  private TestInputTopic<String, byte[]> updates;
  private TestInputTopic<String, byte[]> vectors;
  private TestOutputTopic<String, RecognitionEvent> recognitions;
  private TestOutputTopic<String, GalleryStatus> statuses;
  private TestOutputTopic<String, byte[]> embedded;
  private TestOutputTopic<String, byte[]> deadLetters;
  private TestOutputTopic<String, byte[]> galleryDeadLetters;

  @BeforeEach
  void start() {
    RecognitionModels models =
        new RecognitionModels(
            new ModelIds("boxes@111111111111", EXTRACTOR, "cpu"),
            new ImageDecoder(ImageLimits.DEFAULT),
            detector,
            0.2f,
            Profile.SHELF,
            new ColourExtractor(),
            gallery,
            new MatchPolicy(0.95f, 0.01f, 3, 10),
            new FrameFilters(Map.of("storeId", "stores", "country", "countries")));
    topologies =
        List.of(
            RecognitionTopology.galleryFollower(
                TOPICS, serdes, gallery, inFlight, new FailedRecords()),
            RecognitionTopology.recognition(TOPICS, serdes, stage(models), Outputs.of("test")),
            RecognitionTopology.galleryUpdates(
                TOPICS,
                serdes,
                patient,
                new PhotoEmbedder(models),
                new GalleryLinter(
                    new LintRules(20, 0, 0.99, 0.9), gallery, gallery::resemblance, inFlight),
                inFlight,
                FrameProcessorTest.inOneTransaction(),
                LIMITS,
                Outputs.of("test"),
                new UpdateMetrics(new ServiceMetrics(new SimpleMeterRegistry())),
                Traces.OFF));
    drivers =
        topologies.stream()
            .map(topology -> new TopologyTestDriver(topology, new Properties(), NOW))
            .toList();
    TopologyTestDriver follower = drivers.get(0);
    TopologyTestDriver recognition = drivers.get(1);
    TopologyTestDriver embedding = drivers.get(2);
    vectors = input(follower, TOPICS.galleryVectors());
    frames = input(recognition, TOPICS.frames());
    recognitions = output(recognition, TOPICS.recognitions(), serdes.recognitions());
    deadLetters = output(recognition, TOPICS.deadLetters(), Serdes.ByteArray());
    updates = input(embedding, TOPICS.galleryUpdates());
    embedded = output(embedding, TOPICS.galleryVectors(), Serdes.ByteArray());
    statuses = output(embedding, TOPICS.galleryStatus(), serdes.statuses());
    galleryDeadLetters = output(embedding, TOPICS.deadLetters(), Serdes.ByteArray());
  }

  private FrameProcessorSupplier stage(RecognitionModels models) {
    recognizer =
        new FrameRecognizer(
            patient,
            () -> models,
            new RecognizerLimits(2, 2, 2, 1_000_000, 1_000_000, Duration.ofMillis(50), 0.5));
    answers =
        new FrameAnswers(
            TOPICS.frames(),
            serdes,
            recognizer::submit,
            new RecognitionEvents("shelf", Clock.fixed(NOW, ZoneOffset.UTC)),
            () -> RecognitionEvents.SeenWith.of(models),
            () -> false);
    return new FrameProcessorSupplier(
        TOPICS.frames(),
        answers,
        FrameProcessorTest.delivery(64),
        OverloadSettings.KEEP_ALL,
        FrameProcessorTest.inOneTransaction(),
        LIMITS,
        new FramesInHand(),
        new EarlyCommits(),
        new WakeableClients(),
        new FrameMetrics(new ServiceMetrics(new SimpleMeterRegistry())),
        FrameTraces.off(TOPICS));
  }

  private static TestInputTopic<String, byte[]> input(TopologyTestDriver driver, String topic) {
    return driver.createInputTopic(
        topic, new StringSerializer(), new ByteArraySerializer(), NOW, Duration.ZERO);
  }

  private static <T> TestOutputTopic<String, T> output(
      TopologyTestDriver driver, String topic, Serde<T> serde) {
    return driver.createOutputTopic(topic, new StringDeserializer(), serde.deserializer());
  }

  @AfterEach
  void stop() {
    drivers.forEach(TopologyTestDriver::close);
    answers.close();
    recognizer.close();
    fetcher.close();
    gallery.close();
  }

  @Test
  void recognisesTheProductsOfAFrame() {
    addToGallery("red-1", "red", Color.RED);
    addToGallery("blue-1", "blue", Color.BLUE);
    detector.found = List.of(new Detection(0.9f, 0, 0, 16, 24), new Detection(0.8f, 16, 0, 40, 24));

    publish(frame("f1", Pictures.halves(Color.RED, Color.BLUE, 32, 24)));

    TestRecord<String, RecognitionEvent> answer = recognitions.readRecord();
    assertThat(answer.key()).isEqualTo("camera-1");
    RecognitionEvent event = answer.value();
    assertThat(event.getObjects())
        .extracting(RecognizedObject::getProductId)
        .containsExactly("red", "blue");
    RecognizedObject right = event.getObjects().get(1);
    assertThat(right.getBbox()).isEqualTo(new BoundingBox(16, 0, 32, 24));
    assertThat(right.getStatus()).isEqualTo(MatchStatus.MATCH);
    assertThat(right.getScore()).isEqualTo(1f);
    assertThat(right.getMargin()).isEqualTo(1f);
    assertThat(right.getWholeImage()).isFalse();
    assertThat(event.getVersions().getGallerySize()).isEqualTo(2);
    assertThat(event.getVersions().getGalleryVersion()).isEqualTo(2);
    assertThat(event.getUri()).isEqualTo("data:image/png;base64,");
    assertThat(deadLetters.isEmpty()).isTrue();
  }

  @Test
  void reportsAnObjectThatNothingResemblesAsUnknownWithItsCandidates() {
    addToGallery("red-1", "red", Color.RED);

    publish(frame("f1", Pictures.plain(Color.GREEN)));

    RecognizedObject object = recognitions.readValue().getObjects().get(0);
    assertThat(object.getStatus()).isEqualTo(MatchStatus.UNKNOWN);
    assertThat(object.getLabel()).isNull();
    assertThat(object.getWholeImage()).isTrue();
    assertThat(object.getCandidates()).hasSize(1);
  }

  @Test
  void forgetsAProductWithTheTombstoneOfItsLastPhotoAndKnowsItAgainWhenItReturns() {
    addToGallery("red-1", "red", Color.RED);
    byte[] red = Pictures.plain(Color.RED);

    publishUpdate("red-1", (byte[]) null);
    publish(frame("f1", red));
    addToGallery("red-1", "red", Color.RED);
    publish(frame("f2", red));

    assertThat(recognitions.readValue().getObjects().get(0).getStatus())
        .isEqualTo(MatchStatus.UNKNOWN);
    assertThat(recognitions.readValue().getObjects().get(0).getProductId()).isEqualTo("red");
    assertThat(statuses.readValuesToList())
        .extracting(GalleryStatus::getOutcome)
        .containsExactly(
            GalleryOutcome.APPLIED,
            GalleryOutcome.REMOVED,
            GalleryOutcome.SEARCHABLE,
            GalleryOutcome.APPLIED,
            GalleryOutcome.SEARCHABLE);
  }

  @Test
  void sendsAnUndecodableRecordToTheDeadLettersUntouchedAndKeepsGoing() {
    byte[] garbage = "not avro".getBytes(StandardCharsets.UTF_8);

    publish("camera-1", garbage);
    publish(frame("f2", Pictures.plain(Color.RED)));

    TestRecord<String, byte[]> letter = deadLetters.readRecord();
    assertThat(letter.key()).isEqualTo("camera-1");
    assertThat(letter.value()).isEqualTo(garbage);
    assertThat(headers(letter))
        .containsEntry(DeadLetter.CLASS, "UNDECODABLE_RECORD")
        .containsEntry(DeadLetter.STAGE, "read")
        .containsEntry(DeadLetter.TOPIC, TOPICS.frames())
        .containsEntry(DeadLetter.PARTITION, "0")
        .containsEntry(DeadLetter.OFFSET, "0")
        .containsEntry(DeadLetter.ATTEMPT, "1");
    assertThat(deadLetters.isEmpty()).isTrue();
    assertThat(recognitions.readValue().getFrameId()).isEqualTo("f2");
  }

  @Test
  void namesTheStageAtWhichAFrameWasRejected() {
    publish("camera-1", null);
    publish(frame("f1", "file:///etc/passwd"));
    publish(frame("f2", "data:image/jpeg;base64,aGVsbG8="));
    publish(frame("", Pictures.plain(Color.RED)));
    detector.failure = new ModelException(ModelException.Code.RUN, "out of memory");
    publish(frame("f3", Pictures.plain(Color.RED)));
    detector.failure = new IllegalStateException("nobody foresaw this");
    publish(frame("f4", Pictures.plain(Color.RED)));

    assertThat(deadLetters.readRecordsToList())
        .extracting(RecognitionTopologyTest::headers)
        .extracting(h -> h.get(DeadLetter.STAGE) + " " + h.get(DeadLetter.CLASS))
        .containsExactly(
            "read UNDECODABLE_RECORD",
            "fetch FORBIDDEN_LOCATION",
            "decode UNSUPPORTED_IMAGE",
            "read INVALID_RECORD",
            "detect MODEL_FAILED",
            "detect INTERNAL_ERROR");
    assertThat(recognitions.isEmpty()).isTrue();
  }

  @Test
  void aLineOfTheLogSaysWhichFrameItIsAbout() {
    List<ILoggingEvent> lines = new CopyOnWriteArrayList<>();
    AppenderBase<ILoggingEvent> log =
        new AppenderBase<>() {
          @Override
          protected void append(ILoggingEvent event) {
            event.prepareForDeferredProcessing(); // the context is that of the thread that logs
            lines.add(event);
          }
        };
    log.start();
    Logger logger = (Logger) LoggerFactory.getLogger(RejectedException.class);
    logger.addAppender(log);
    LogContext.show(true);
    try {
      detector.failure = new UnsupportedOperationException("of no other test");
      byte[] value =
          serdes
              .frames()
              .serializer()
              .serialize(TOPICS.frames(), frame("f1", Pictures.plain(Color.RED)));
      TestRecord<String, byte[]> record = new TestRecord<>("camera-1", value, NOW);
      record.headers().add("traceparent", ("00-" + TRACE + "-00f067aa0ba902b7-00").getBytes(UTF_8));
      publish(record);
    } finally {
      LogContext.show(false);
      logger.detachAppender(log);
    }

    assertThat(lines)
        .singleElement()
        .satisfies(
            line -> {
              assertThat(line.getThreadName()).startsWith("frame-worker");
              assertThat(line.getMDCPropertyMap())
                  .containsOnly(
                      Map.entry("trace_id", TRACE),
                      Map.entry("camera", "camera-1"),
                      Map.entry("topic", TOPICS.frames()),
                      Map.entry("partition", "0"),
                      Map.entry("offset", "0"));
            });
  }

  @Test
  void countsTheAttemptsOfARecordThatComesBackFromTheDeadLetters() {
    byte[] garbage = "not avro".getBytes(StandardCharsets.UTF_8);
    publish("camera-1", garbage);
    TestRecord<String, byte[]> first = deadLetters.readRecord();

    publish(new TestRecord<>("camera-1", garbage, first.headers(), NOW));

    assertThat(headers(deadLetters.readRecord())).containsEntry(DeadLetter.ATTEMPT, "2");
  }

  @Test
  void givesAReplayedFrameTheSameEventIdAndAnotherFrameAnother() {
    ImageReference frame = frame("f1", Pictures.plain(Color.RED));

    publish(frame);
    addToGallery("red-1", "red", Color.RED);
    publish(frame);
    publish(frame("f2", Pictures.plain(Color.RED)));

    List<String> ids =
        recognitions.readValuesToList().stream().map(RecognitionEvent::getEventId).toList();
    assertThat(ids.get(0)).isEqualTo(ids.get(1)).isNotEqualTo(ids.get(2));
  }

  @Test
  void marksAnAnswerFromAnOlderGalleryThanAskedForAsPartial() {
    addToGallery("red-1", "red", Color.RED);
    byte[] red = Pictures.plain(Color.RED);

    publish(ImageReference.newBuilder(frame("f1", red)).setMinGalleryVersion(2L).build());
    publish(ImageReference.newBuilder(frame("f2", red)).setMinGalleryVersion(1L).build());

    List<RecognitionEvent> answers = recognitions.readValuesToList();
    assertThat(answers)
        .extracting(RecognitionEvent::getStatus)
        .containsExactly(RecognitionStatus.PARTIAL, RecognitionStatus.OK);
    assertThat(answers.get(0).getPartialReason()).contains("gallery version 2").contains("it is 1");
    assertThat(answers.get(1).getPartialReason()).isNull();
  }

  @Test
  void comparesAFrameOnlyWithThePhotosOfItsStore() {
    addToGallery("red-1", "red", Color.RED, Map.of("stores", "12, 7"));
    addToGallery("red-2", "red of everywhere", Color.RED, Map.of("countries", "fr"));
    byte[] red = Pictures.plain(Color.RED);
    detector.found = List.of(new Detection(0.9f, 0, 0, 16, 24));

    publish(
        ImageReference.newBuilder(frame("f1", red))
            .setStoreId("7")
            .setAttributes(Map.of("country", "de"))
            .build());
    publish(ImageReference.newBuilder(frame("f2", red)).setStoreId("71").build());
    publish(frame("f3", red));
    addToGallery("red-1", "red", Color.RED, Map.of("stores", "71"));
    publish(
        ImageReference.newBuilder(frame("f4", red))
            .setStoreId("7")
            .setAttributes(Map.of("country", "de"))
            .build());

    assertThat(recognitions.readValuesToList())
        .extracting(
            event ->
                event.getObjects().get(0).getCandidates().stream()
                    .map(Candidate::getGalleryImageId)
                    .toList())
        .containsExactly(List.of("red-1"), List.of("red-2"), List.of("red-1", "red-2"), List.of());
  }

  @Test
  void looksOnlyAtTheRegionsOfAFrame() {
    detector.found = List.of(new Detection(0.9f, 0, 0, 16, 24), new Detection(0.8f, 16, 0, 32, 24));

    publish(
        ImageReference.newBuilder(frame("f1", Pictures.halves(Color.RED, Color.BLUE, 32, 24)))
            .setRegions(List.of(new BoundingBox(16, 0, 32, 24)))
            .build());

    assertThat(recognitions.readValue().getObjects())
        .extracting(RecognizedObject::getBbox)
        .containsExactly(new BoundingBox(16, 0, 32, 24));
  }

  @Test
  void neverFallsBackToTheWholeImageWhenRegionsWereAskedFor() {
    detector.found = List.of(new Detection(0.9f, 0, 0, 4, 4));
    int low = Integer.MIN_VALUE;
    int high = Integer.MAX_VALUE;
    BoundingBox[] nothing = {
      new BoundingBox(8, 8, 16, 16),
      new BoundingBox(90_000, 90_000, 90_100, 90_100),
      new BoundingBox(4, 4, 0, 0),
      new BoundingBox(high, high, low, low),
      new BoundingBox(2, 2, 2, 2),
      new BoundingBox(low, low, low, low),
    };
    for (BoundingBox region : nothing) {
      publish(
          ImageReference.newBuilder(frame("f", Pictures.plain(Color.RED)))
              .setRegions(List.of(region))
              .build());

      RecognitionEvent event = recognitions.readValue();
      assertThat(event.getStatus()).as("%s", region).isEqualTo(RecognitionStatus.OK);
      assertThat(event.getObjects()).as("%s", region).isEmpty();
    }
    publish(
        ImageReference.newBuilder(frame("f", Pictures.plain(Color.RED)))
            .setRegions(List.of(new BoundingBox(low, low, high, high)))
            .build());
    assertThat(recognitions.readValue().getObjects()).hasSize(1);
    assertThat(Profile.PP_SHITU.withoutWholeImage().select(List.of(), 0.2f, 32, 24)).isEmpty();
  }

  @Test
  void rejectsGalleryUpdatesThatCannotBeUsedAndSaysWhy() {
    publishUpdate("a", update("a", "red").setUri("file:///etc/passwd").build());
    publishUpdate(
        "b", update("not-b", "red").setUri(Pictures.uri(Pictures.plain(Color.RED))).build());
    publishUpdate("c", update("c", "red").setGtin("4006381333932").setUri("data:,x").build());
    publishUpdate(
        "d", update("d", "red").setEmbedding(List.of(1f, 0f, 0f)).setExtractor("other").build());
    publishUpdate("e", "not avro".getBytes(StandardCharsets.UTF_8));

    List<GalleryStatus> answers = statuses.readValuesToList();
    assertThat(answers).extracting(GalleryStatus::getOutcome).containsOnly(GalleryOutcome.REJECTED);
    assertThat(answers)
        .extracting(GalleryStatus::getReason)
        .containsExactly(
            "FORBIDDEN_LOCATION",
            "INVALID_RECORD",
            "INVALID_RECORD",
            "FOREIGN_EXTRACTOR",
            "UNDECODABLE_RECORD");
    assertThat(answers.get(3).getMessage()).contains("'other'", "'" + EXTRACTOR + "'");
    assertThat(answers.get(2).getMessage()).contains("4006381333932", "1 would be right");
    assertThat(galleryDeadLetters.readRecordsToList()).hasSize(5);
    assertThat(gallery.state().size()).isZero();
  }

  @Test
  void readsOnlyWhatItsSnapshotDoesNotCover(@TempDir Path folder) throws IOException {
    GallerySnapshots snapshots = new GallerySnapshots(folder, "topic-id");
    try (Gallery before = new Gallery("Flat", 3, EXTRACTOR)) {
      before.apply(0, 0, "red-1", vector("red-1", 1, 0, 0));
      before.apply(0, 1, "lost", vector("lost", 0, 1, 0));
      snapshots.save(before);
    }
    assertThat(snapshots.restore(gallery)).isTrue();

    // Were it read, it would be rejected, and the photo would not be confirmed.
    vectors.pipeInput("red-1", "not avro".getBytes(StandardCharsets.UTF_8));
    vectors.pipeInput("lost", null);
    vectors.pipeInput(
        "blue-1",
        serdes
            .vectors()
            .serializer()
            .serialize(TOPICS.galleryVectors(), vector("blue-1", 0, 0, 1)));
    gallery.caughtUp();

    assertThat(gallery.entries())
        .extracting(GalleryEntry::galleryImageId)
        .containsExactly("blue-1", "red-1");
    assertThat(gallery.state().version()).isEqualTo(3);
  }

  private static GalleryVector vector(String id, float... embedding) {
    return GalleryVector.newBuilder()
        .setGalleryImageId(id)
        .setProductId(id)
        .setLabel(id)
        .setEmbedding(Embeddings.encode(embedding))
        .setDimension(embedding.length)
        .setExtractor(EXTRACTOR)
        .setSourceOffset(0)
        .build();
  }

  @Test
  void takesAReadyEmbeddingOfItsOwnExtractorAndBringsItToUnitLength() {
    publishUpdate(
        "red-1",
        update("red-1", "red").setEmbedding(List.of(0f, 0f, 7f)).setExtractor(EXTRACTOR).build());

    publish(frame("f1", Pictures.plain(Color.RED)));

    assertThat(recognitions.readValue().getObjects().get(0).getScore()).isEqualTo(1f);
  }

  @Test
  void survivesPoisonOnTheVectorsTopicAndStillCountsIt() {
    vectors.pipeInput("x", "not avro".getBytes(StandardCharsets.UTF_8));
    vectors.pipeInput(new TestRecord<>((String) null, (byte[]) null));
    addToGallery("red-1", "red", Color.RED);

    publish(frame("f1", Pictures.plain(Color.RED)));

    RecognitionEvent event = recognitions.readValue();
    assertThat(event.getObjects().get(0).getProductId()).isEqualTo("red");
    assertThat(event.getVersions().getGallerySize()).isEqualTo(1);
  }

  @Test
  void saysWhenAPhotoIsSearchableAndWhenItsRemovalIs() {
    addToGallery("red-1", "red", Color.RED);
    publishUpdate("red-1", (byte[]) null);
    drivers.get(2).advanceWallClockTime(Duration.ofSeconds(1));

    List<TestRecord<String, GalleryStatus>> all = statuses.readRecordsToList();
    // What became searchable goes with the next update, or alone when none comes.
    assertThat(all)
        .extracting(answer -> answer.value().getOutcome())
        .containsExactly(
            GalleryOutcome.APPLIED,
            GalleryOutcome.REMOVED,
            GalleryOutcome.SEARCHABLE,
            GalleryOutcome.SEARCHABLE);
    List<TestRecord<String, GalleryStatus>> answers = all.subList(2, 4);
    assertThat(answers)
        .extracting(answer -> answer.value().getOutcome())
        .containsExactly(GalleryOutcome.SEARCHABLE, GalleryOutcome.SEARCHABLE);
    GalleryStatus added = answers.get(0).value();
    assertThat(added.getSourceOffset()).isZero();
    assertThat(added.getPublishedAt()).isEqualTo(NOW);
    assertThat(added.getSearchableAt()).isAfterOrEqualTo(added.getEmbeddedAt());
    assertThat(answers.get(1).value().getSourceOffset()).isEqualTo(1);
    assertThat(new String(answers.get(0).headers().lastHeader("ce_id").value(), UTF_8))
        .isEqualTo("red-1@0@searchable");
    drivers.get(2).advanceWallClockTime(Duration.ofSeconds(1));
    assertThat(statuses.isEmpty()).isTrue();
  }

  @Test
  void warnsOfAPhotoOfAnotherProductAndOfOneUnlikeItsOwn() {
    addToGallery("red-1", "red", Color.RED);
    addToGallery("blue-1", "blue", Color.BLUE);
    addToGallery("blue-2", "blue", Color.BLUE);
    addToGallery("blue-3", "blue", Color.RED);

    List<List<String>> warnings =
        statuses.readValuesToList().stream()
            .filter(status -> status.getOutcome() == GalleryOutcome.APPLIED)
            .map(GalleryStatus::getWarnings)
            .toList();
    assertThat(warnings.subList(0, 3)).containsOnly(List.of());
    assertThat(warnings.get(3))
        .satisfiesExactly(
            twin ->
                assertThat(twin)
                    .startsWith("RESEMBLES_OTHER_PRODUCT: nearly identical (1.000)")
                    .contains("'red-1'", "'red'"),
            stranger ->
                assertThat(stranger)
                    .startsWith("UNLIKE_OWN_PRODUCT: scores 0.000")
                    .contains("'blue'", "0.900"));
  }

  @Test
  void comparesWithWhatItsOwnGalleryDoesNotShowYet() {
    updates.pipeInput("red-1", encoded(update("red-1", "red"), Color.RED));
    updates.pipeInput("green-1", encoded(update("green-1", "green"), Color.RED));
    updates.pipeInput("red-2", encoded(update("red-2", "red"), Color.BLUE));
    assertThat(gallery.state().size()).isZero();

    List<GalleryStatus> answers = statuses.readValuesToList();
    assertThat(answers.get(1).getWarnings())
        .singleElement()
        .asString()
        .startsWith("RESEMBLES_OTHER_PRODUCT: ");
    assertThat(answers.get(2).getWarnings())
        .singleElement()
        .asString()
        .startsWith("UNLIKE_OWN_PRODUCT: ");
  }

  @Test
  void warnsOfNoBodySeveralBodiesAndTooFewPixelsAndSharpness() {
    GalleryLinter strict =
        new GalleryLinter(
            new LintRules(25, 10, 0.99, 0.9), gallery, gallery::resemblance, new InFlightPhotos());
    PixelBox box = new PixelBox(0, 0, 32, 24);
    float[] red = {0, 0, 1};

    assertThat(strict.lint("a", "a", new PhotoEmbedder.Embedded(red, box, OptionalInt.of(0), 9.4)))
        .satisfiesExactly(
            none -> assertThat(none).startsWith("NO_BODY: "),
            small -> assertThat(small).startsWith("TOO_SMALL: 32 x 24 pixels").contains("25"),
            blurred ->
                assertThat(blurred).startsWith("BLURRED: sharpness is 9 and").contains("10"));
    assertThat(
            strict.lint(
                "a",
                "a",
                new PhotoEmbedder.Embedded(red, new PixelBox(0, 0, 32, 25), OptionalInt.of(2), 10)))
        .singleElement()
        .asString()
        .startsWith("SEVERAL_BODIES: the detector found 2");
    assertThat(
            strict.lint(
                "a",
                "a",
                new PhotoEmbedder.Embedded(
                    red, new PixelBox(0, 0, 32, 25), OptionalInt.empty(), 10)))
        .isEmpty();
  }

  @Test
  void keepsTheHashOfThePhotoWithItsVector() {
    updates.pipeInput("red-1", encoded(update("red-1", "red"), Color.RED));

    GalleryVector vector =
        serdes.vectors().deserializer().deserialize(TOPICS.galleryVectors(), embedded.readValue());
    assertThat(vector.getSha256()).matches("[0-9a-f]{64}");
  }

  @Test
  void answersUpdatesWithHostileKeysAndHeadersAndLongFields() {
    byte[] valid = encoded(update("1.jpg", "p"), Color.RED);
    Headers nulls = new RecordHeaders();
    nulls.add(DeadLetter.ATTEMPT, null).add("traceparent", null).add("x", null);
    TestInputTopic<byte[], byte[]> raw =
        drivers
            .get(2)
            .createInputTopic(
                TOPICS.galleryUpdates(), new ByteArraySerializer(), new ByteArraySerializer());
    raw.pipeInput(new TestRecord<>(bytes("1.jpg"), valid, nulls, NOW.toEpochMilli()));
    raw.pipeInput(new TestRecord<>(bytes("1.jpg"), bytes("no avro"), nulls, NOW.toEpochMilli()));
    raw.pipeInput(new TestRecord<>(new byte[] {'a', (byte) 0xff}, null));
    raw.pipeInput(new TestRecord<>(new byte[1 << 20], null));
    raw.pipeInput(
        bytes("2.jpg"), encoded(update("2.jpg", "p").setLabel("x".repeat(2 << 20)), Color.RED));

    List<GalleryStatus> answers = statuses.readValuesToList();
    assertThat(answers)
        .extracting(GalleryStatus::getReason)
        .containsExactly(
            null, "UNDECODABLE_RECORD", "INVALID_RECORD", "INVALID_RECORD", "INVALID_RECORD");
    assertThat(answers.get(4).getMessage())
        .isEqualTo("label has 2097152 bytes; at most 1024 are taken");
    assertThat(answers).allMatch(status -> status.toString().length() < 10_000);
    assertThat(galleryDeadLetters.readRecordsToList())
        .hasSize(4)
        .allMatch(
            letter -> "1".equals(RecordHeaderText.lastText(letter.headers(), DeadLetter.ATTEMPT)));
  }

  @Test
  void letsNoSecretOfAnIdIntoStatusesAndVectors() {
    for (String id :
        List.of(
            "https://store/1.jpg?X-Amz-Signature=SECRET&X-Amz-Expires=60",
            "https://user:SECRET@store/1.jpg",
            "data:image/png;base64,SECRET")) {
      publishUpdate(id, encoded(update(id, "p"), Color.RED));
    }
    List<TestRecord<String, GalleryStatus>> answers = statuses.readRecordsToList();

    assertThat(answers).hasSize(3);
    assertThat(answers)
        .allSatisfy(
            answer -> {
              assertThat(answer.value().getOutcome()).isEqualTo(GalleryOutcome.REJECTED);
              assertThat(answer.value().getReason()).isEqualTo("INVALID_RECORD");
              assertThat(answer.key() + answer.value()).doesNotContain("SECRET");
              answer
                  .headers()
                  .forEach(
                      h ->
                          assertThat(new String(h.value(), StandardCharsets.UTF_8))
                              .doesNotContain("SECRET"));
            });
    assertThat(gallery.state().size()).isZero();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private byte[] encoded(GalleryUpdate.Builder update, Color colour) {
    return serdes
        .updates()
        .serializer()
        .serialize(
            TOPICS.galleryUpdates(), update.setUri(Pictures.uri(Pictures.plain(colour))).build());
  }

  @Test
  void namesEveryNode() {
    assertThat(topologies)
        .extracting(topology -> topology.describe().toString())
        .noneMatch(text -> text.contains("KSTREAM") || text.contains("KTABLE"))
        .satisfiesExactly(
            text -> assertThat(text).contains(NodeNames.APPLY_VECTORS),
            text -> assertThat(text).contains(NodeNames.RECOGNIZE),
            text -> assertThat(text).contains(NodeNames.EMBED));
  }

  private void addToGallery(String id, String product, Color colour) {
    publishUpdate(id, update(id, product).setUri(Pictures.uri(Pictures.plain(colour))).build());
  }

  private void addToGallery(
      String id, String product, Color colour, Map<String, String> attributes) {
    publishUpdate(
        id,
        update(id, product)
            .setUri(Pictures.uri(Pictures.plain(colour)))
            .setAttributes(attributes)
            .build());
  }

  private static GalleryUpdate.Builder update(String id, String product) {
    return GalleryUpdate.newBuilder().setGalleryImageId(id).setProductId(product).setLabel(product);
  }

  private void publishUpdate(String key, GalleryUpdate update) {
    publishUpdate(key, serdes.updates().serializer().serialize(TOPICS.galleryUpdates(), update));
  }

  /** Stands in for the broker between the applications. */
  private void publishUpdate(String key, byte @Nullable [] update) {
    updates.pipeInput(key, update);
    embedded.readRecordsToList().forEach(vectors::pipeInput);
  }

  private static ImageReference frame(String frameId, byte[] png) {
    return frame(frameId, Pictures.uri(png));
  }

  private static ImageReference frame(String frameId, String uri) {
    return RecognitionEvents.reference("camera-1", frameId, uri, NOW);
  }

  private void publish(ImageReference frame) {
    publish(frame.getCameraId(), serdes.frames().serializer().serialize(TOPICS.frames(), frame));
  }

  private void publish(String camera, byte @Nullable [] value) {
    publish(new TestRecord<>(camera, value, NOW));
  }

  /** Returns once the frame is answered. */
  private void publish(TestRecord<String, byte[]> record) {
    frames.pipeInput(record);
    FrameProcessorTest.settle(drivers.get(1));
  }

  private static Map<String, String> headers(TestRecord<String, byte[]> record) {
    Map<String, String> headers = new TreeMap<>();
    for (Header header : record.headers()) {
      headers.put(header.key(), new String(header.value(), StandardCharsets.UTF_8));
    }
    return headers;
  }
}
