package io.shelfstream.frames;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.Counter;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.shelfstream.config.DeliverySettings;
import io.shelfstream.config.NodeNames;
import io.shelfstream.config.Outputs;
import io.shelfstream.config.OverloadSettings;
import io.shelfstream.config.TopicNames;
import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.events.RecognitionStatus;
import io.shelfstream.gallery.GalleryState;
import io.shelfstream.messages.DeadLetter;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.messages.RecordHeaderText;
import io.shelfstream.messages.RecordLimits;
import io.shelfstream.messages.SourcePosition;
import io.shelfstream.metrics.FrameMetrics;
import io.shelfstream.metrics.Metric;
import io.shelfstream.metrics.ServiceMetrics;
import io.shelfstream.recognition.ModelIds;
import io.shelfstream.recognition.Recognition;
import io.shelfstream.recognition.StageTimes;
import io.shelfstream.registry.SchemaRegistryClient;
import io.shelfstream.streams.Deliveries;
import io.shelfstream.streams.EarlyCommits;
import io.shelfstream.streams.FailedRecords;
import io.shelfstream.streams.StalledException;
import io.shelfstream.streams.WakeableClients;
import io.shelfstream.topology.RecognitionTopology;
import io.shelfstream.tracing.OtlpReceiver;
import io.shelfstream.tracing.Traces;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.processor.api.MockProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.test.TestRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The stage with a recogniser that finishes a frame when the test says so. */
public class FrameProcessorTest {
  private static final TopicNames TOPICS = TopicNames.DEFAULT;
  private static final Instant NOW = Instant.parse("2026-11-24T08:00:00Z");
  private static final GalleryState NO_GALLERY = new GalleryState(Map.of(), 0, "Flat");
  private static final ModelIds MODELS = new ModelIds("d", "e", "cpu");

  /** Bytes of a record. */
  private static final int LIMIT = 100_000;

  private final EventSerdes serdes =
      EventSerdes.with(SchemaRegistryClient.create("mock://stage-test"));
  private final Map<String, CompletableFuture<Recognition>> begun = new ConcurrentHashMap<>();
  private final FramesInHand inHand = new FramesInHand();
  private final PrometheusMeterRegistry meters =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final FrameMetrics metrics = new FrameMetrics(new ServiceMetrics(meters));
  private final AtomicBoolean storeIsAway = new AtomicBoolean();
  private final FrameAnswers answers =
      new FrameAnswers(
          TOPICS.frames(),
          serdes,
          (frame, times) ->
              begun.computeIfAbsent(frame.getFrameId(), id -> new CompletableFuture<>()),
          new RecognitionEvents("shelf", Clock.systemUTC()),
          () -> new RecognitionEvents.SeenWith(MODELS, NO_GALLERY),
          storeIsAway::get);
  private Traces traces = Traces.OFF;
  private TopologyTestDriver driver;
  private TestInputTopic<String, byte[]> frames;

  public static Deliveries inOneTransaction() {
    return new Deliveries(true, new FailedRecords());
  }

  /** Outputs that have arrived when the test says so. */
  private static Deliveries arriving(Supplier<BooleanSupplier> arrivals) {
    return new Deliveries(false, new FailedRecords()) {
      @Override
      public BooleanSupplier send(SourcePosition source, Runnable outputs) {
        super.send(source, outputs);
        return arrivals.get();
      }
    };
  }

  public static DeliverySettings delivery(int window) {
    return new DeliverySettings(
        true,
        window,
        Duration.ofMinutes(5),
        Duration.ofMinutes(5),
        Duration.ofSeconds(1),
        0,
        Duration.ofMinutes(1));
  }

  /** Lets the timer of the stage run until no frame is pending. */
  public static void settle(TopologyTestDriver driver) {
    KeyValueStore<Integer, byte[]> pending = driver.getKeyValueStore(NodeNames.PENDING_FRAMES);
    until(
        () -> {
          driver.advanceWallClockTime(Duration.ofMillis(1));
          return count(pending) == 0;
        });
  }

  private static int count(KeyValueStore<Integer, byte[]> store) {
    try (var all = store.all()) {
      int count = 0;
      for (; all.hasNext(); all.next()) {
        count++;
      }
      return count;
    }
  }

  private static void until(BooleanSupplier holds) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (!holds.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited for two minutes").isLessThan(end);
      try {
        TimeUnit.MILLISECONDS.sleep(1);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  private void start(int window, OverloadSettings overload, Deliveries deliveries) {
    driver =
        new TopologyTestDriver(
            RecognitionTopology.recognition(
                TOPICS, serdes, stage(delivery(window), overload, deliveries), Outputs.of("test")),
            new Properties(),
            NOW);
    frames =
        driver.createInputTopic(
            TOPICS.frames(), new StringSerializer(), new ByteArraySerializer(), NOW, Duration.ZERO);
  }

  private FrameProcessorSupplier stage(
      DeliverySettings delivery, OverloadSettings overload, Deliveries deliveries) {
    return new FrameProcessorSupplier(
        TOPICS.frames(),
        answers,
        delivery,
        overload,
        deliveries,
        RecordLimits.all(LIMIT),
        inHand,
        new EarlyCommits(),
        new WakeableClients(),
        metrics,
        new FrameTraces(traces, TOPICS));
  }

  @AfterEach
  void stop() {
    if (driver != null) {
      driver.close();
    }
    answers.close();
    assertThat(counted(Metric.FRAMES_TAKEN))
        .as("every frame that was taken became something, whatever the test did")
        .isEqualTo(
            counted(Metric.FRAMES_RECOGNIZED)
                + counted(Metric.FRAMES_DEAD_LETTERED)
                + counted(Metric.FRAMES_SKIPPED)
                + counted(Metric.FRAMES_GIVEN_UP));
    assertThat(meters.get(Metric.FRAMES_IN_HAND.id()).gauge().value()).isZero();
  }

  private double counted(Metric metric) {
    return meters.find(metric.id()).counters().stream().mapToDouble(Counter::count).sum();
  }

  @Test
  void countsWhatBecomesOfFrames() {
    start(64, OverloadSettings.KEEP_ALL, inOneTransaction());
    publish("c", "good");
    publish("c", "slow");
    frames.pipeInput("c", "not avro".getBytes(StandardCharsets.UTF_8));
    assertThat(counted(Metric.FRAMES_TAKEN)).isEqualTo(3);
    finish("good");
    driver.advanceWallClockTime(Duration.ofMillis(1));
    assertThat(counted(Metric.FRAMES_RECOGNIZED)).isEqualTo(1);
    assertThat(meters.get(Metric.FRAMES_IN_HAND.id()).gauge().value()).isEqualTo(2);

    finish("slow");
    settle(driver);
    assertThat(counted(Metric.FRAMES_RECOGNIZED)).isEqualTo(2);
    assertThat(
            meters
                .get(Metric.FRAMES_DEAD_LETTERED.id())
                .tag("reason", "UNDECODABLE_RECORD")
                .counter()
                .count())
        .isEqualTo(1);
    assertThat(meters.scrape()).contains(Metric.LATENCY.prometheusName() + "_count 2\n");
  }

  @Test
  void answersInTheOrderOfThePartitionHoweverTheFramesFinish() {
    start(64, OverloadSettings.KEEP_ALL, inOneTransaction());
    publish("c", "slow");
    publish("c", "quick");
    frames.pipeInput("c", "not avro".getBytes(StandardCharsets.UTF_8));
    publish("c", "last");

    finish("quick");
    finish("last");
    driver.advanceWallClockTime(Duration.ofMillis(1));
    assertThat(answered()).isEmpty();
    finish("slow");
    settle(driver);

    assertThat(answered()).containsExactly("slow", "quick", "last");
    assertThat(deadLetters()).isEqualTo(1);
  }

  @Test
  void sendsAHeadThatFailsToTheDeadLettersAndGoesOnBehindIt() {
    start(64, OverloadSettings.KEEP_ALL, inOneTransaction());
    publish("c", "poison");
    publish("c", "good");

    finish("good");
    await("poison").completeExceptionally(new IllegalStateException("nobody foresaw this"));
    settle(driver);

    assertThat(answered()).containsExactly("good");
    assertThat(deadLetters()).isEqualTo(1);
  }

  @Test
  void refusesAFrameThatNoSlotCanHoldAndKeepsItsPlace() {
    start(64, OverloadSettings.KEEP_ALL, inOneTransaction());
    publish("c", "f1");
    frames.pipeInput("c", new byte[LIMIT]);
    publish("c", "f2");
    finish("f1");
    finish("f2");
    settle(driver);

    assertThat(answered()).containsExactly("f1", "f2");
    TestRecord<String, byte[]> letter = letter();
    assertThat(letter.value()).isNull();
    assertThat(RecordHeaderText.lastText(letter.headers(), DeadLetter.CLASS))
        .isEqualTo("INVALID_RECORD");
    assertThat(RecordHeaderText.lastText(letter.headers(), DeadLetter.VALUE_OMITTED))
        .isEqualTo(Integer.toString(LIMIT));
    assertThat(RecordHeaderText.lastText(letter.headers(), DeadLetter.OFFSET)).isEqualTo("1");
  }

  @Test
  void setsAsideAFrameWhoseAnswerWasRefusedTwice() {
    Deliveries deliveries = inOneTransaction();
    start(64, OverloadSettings.KEEP_ALL, deliveries);
    for (int time = 0; time < 2; time++) {
      deliveries
          .failed()
          .refused(new SourcePosition(TOPICS.frames(), 0, 0), new RecordTooLargeException());
    }
    publish("c", "poison");
    publish("c", "good");
    finish("good");
    settle(driver);

    assertThat(begun).doesNotContainKey("poison");
    assertThat(answered()).containsExactly("good");
    TestRecord<String, byte[]> letter = letter();
    assertThat(letter.value()).isNull();
    assertThat(RecordHeaderText.lastText(letter.headers(), DeadLetter.CLASS))
        .isEqualTo("INTERNAL_ERROR");
    assertThat(RecordHeaderText.lastText(letter.headers(), DeadLetter.MESSAGE))
        .contains(RecordTooLargeException.class.getName());
    assertThat(driver.metrics().entrySet())
        .anyMatch(
            m ->
                m.getKey().name().equals("set-aside-records-total")
                    && m.getValue().metricValue().equals(1.0));
  }

  @Test
  void givesItsHoldBackWhenTheAnswerCannotBeSent() {
    MockProcessorContext<Object, Object> context = new MockProcessorContext<>();
    store(context).put(0, pending(0, "f0").encode());
    Deliveries broken =
        new Deliveries(true, new FailedRecords()) {
          @Override
          public BooleanSupplier send(SourcePosition source, Runnable outputs) {
            throw new IllegalStateException("a serialiser");
          }
        };
    FrameProcessor processor =
        new FrameProcessor(stage(delivery(2), OverloadSettings.KEEP_ALL, broken));
    processor.init(context);
    finish("f0");

    assertThatThrownBy(() -> tick(context, 1_000, 1)).hasMessage("a serialiser");
    assertThat(inHand.drain(Duration.ZERO)).isZero();
  }

  private TestRecord<String, byte[]> letter() {
    return driver
        .createOutputTopic(
            TOPICS.deadLetters(), new StringDeserializer(), new ByteArrayDeserializer())
        .readRecord();
  }

  @Test
  void keepsAFrameInItsSlotUntilItsOutputsArrived() {
    List<Runnable> arrivals = new ArrayList<>();
    start(
        64,
        OverloadSettings.KEEP_ALL,
        arriving(
            () -> {
              boolean[] arrived = {false};
              arrivals.add(() -> arrived[0] = true);
              return () -> arrived[0];
            }));
    publish("c", "f1");
    finish("f1");
    until(
        () -> {
          driver.advanceWallClockTime(Duration.ofMillis(1));
          return !arrivals.isEmpty();
        });
    assertThat(answered()).containsExactly("f1");
    assertThat(count(driver.getKeyValueStore(NodeNames.PENDING_FRAMES))).isEqualTo(1);

    arrivals.get(0).run();
    settle(driver);
  }

  @Test
  void doesNotWaitForAnswersThatAreOnTheirWay() {
    boolean[] arrived = {false};
    start(2, OverloadSettings.KEEP_ALL, arriving(() -> () -> arrived[0]));
    long began = System.nanoTime();
    for (int i = 0; i < 30; i++) {
      publish("c", "f" + i);
      finish("f" + i);
    }

    // A place in the window is waited for up to a second.
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(20));
    assertThat(count(driver.getKeyValueStore(NodeNames.PENDING_FRAMES))).isEqualTo(30);
    arrived[0] = true;
    settle(driver);
    assertThat(answered()).hasSize(30);
  }

  @Test
  void waitsForTheHeadWhileTheWindowIsFull() throws Exception {
    start(2, OverloadSettings.KEEP_ALL, inOneTransaction());
    publish("c", "f1");
    publish("c", "f2");

    CompletableFuture<Void> third = CompletableFuture.runAsync(() -> publish("c", "f3"));
    assertThatThrownBy(() -> third.get(200, TimeUnit.MILLISECONDS))
        .isInstanceOf(java.util.concurrent.TimeoutException.class);
    finish("f1");
    third.get(60, TimeUnit.SECONDS);

    // Where the test was held up for a second, it went on without the head; the timer answers then.
    until(
        () -> {
          driver.advanceWallClockTime(Duration.ofMillis(1));
          return count(driver.getKeyValueStore(NodeNames.PENDING_FRAMES)) == 2;
        });
    assertThat(answered()).containsExactly("f1");
  }

  @Test
  void takesAFrameBeyondTheWindowRatherThanStayAwayFromPoll() throws Exception {
    start(1, OverloadSettings.KEEP_ALL, inOneTransaction());
    publish("c", "f1");

    long began = System.nanoTime();
    publish("c", "f2");

    assertThat(Duration.ofNanos(System.nanoTime() - began))
        .isBetween(Duration.ofMillis(900), Duration.ofSeconds(10));
    assertThat(count(driver.getKeyValueStore(NodeNames.PENDING_FRAMES))).isEqualTo(2);
  }

  @Test
  void skipsOlderFramesOfANewestWinsCameraAndSaysSo() {
    start(64, new OverloadSettings(false, Map.of("live", true), 1, true), inOneTransaction());
    for (int i = 1; i <= 5; i++) {
      publish("live", "l" + i);
    }
    publish("other", "o1"); // two at work, one waits, two were skipped; this one is kept

    for (String frame : List.of("l1", "l2", "l5", "o1")) {
      finishEventually(frame);
    }
    settle(driver);

    List<RecognitionEvent> events = events();
    assertThat(events)
        .extracting(RecognitionEvent::getFrameId)
        .containsExactly("l1", "l2", "l3", "l4", "l5", "o1");
    assertThat(events.subList(2, 4))
        .allSatisfy(
            event -> {
              assertThat(event.getStatus()).isEqualTo(RecognitionStatus.PARTIAL);
              assertThat(event.getSkippedReason()).isEqualTo("OVERLOAD");
            });
    assertThat(events.get(4).getSkippedReason()).isNull();
    assertThat(begun).doesNotContainKeys("l3", "l4");
  }

  @Test
  void tracesFramesThatAreSkippedAndThoseWhoseAnswerCannotBeSent() {
    try (OtlpReceiver receiver = new OtlpReceiver(0)) {
      System.setProperty("otel.exporter.otlp.endpoint", receiver.endpoint());
      traces = Traces.open();
      start(64, new OverloadSettings(true, Map.of(), 1, false), inOneTransaction());
      for (int i = 1; i <= 4; i++) {
        publish("live", "l" + i);
      }
      for (String frame : List.of("l1", "l2", "l4")) {
        finishEventually(frame);
      }
      settle(driver);
      driver.close();
      start(
          64,
          OverloadSettings.KEEP_ALL,
          new Deliveries(true, new FailedRecords()) {
            @Override
            public BooleanSupplier send(SourcePosition source, Runnable outputs) {
              throw new IllegalStateException("refused");
            }
          });
      publish("c", "f1");
      finish("f1");
      assertThatThrownBy(() -> settle(driver)).hasStackTraceContaining("refused");
      traces.close();

      List<OtlpReceiver.Received> frames =
          receiver.spans().stream().filter(s -> s.name().startsWith("process ")).toList();
      assertThat(frames)
          .extracting(s -> String.valueOf(s.attributes().get("shelfstream.status")))
          .containsExactly("OK", "OK", "SKIPPED", "OK", "null");
      assertThat(frames.get(4).attributes())
          .containsEntry("error.type", IllegalStateException.class.getName());
    } finally {
      System.clearProperty("otel.exporter.otlp.endpoint");
    }
  }

  @Test
  void onlyCountsSkippedFramesWhenAskedTo() {
    start(64, new OverloadSettings(true, Map.of(), 1, false), inOneTransaction());
    for (int i = 1; i <= 5; i++) {
      publish("live", "l" + i);
    }
    for (String frame : List.of("l1", "l2", "l5")) {
      finishEventually(frame);
    }
    settle(driver);

    assertThat(answered()).containsExactly("l1", "l2", "l5");
    assertThat(driver.metrics())
        .anySatisfy(
            (name, metric) -> {
              assertThat(name.name()).isEqualTo("skipped-frames-total");
              assertThat(metric.metricValue()).isEqualTo(2.0);
            });
  }

  @Test
  void takesUpWhatIsInTheStoreInItsOrder() throws Exception {
    MockProcessorContext<Object, Object> context = new MockProcessorContext<>();
    KeyValueStore<Integer, byte[]> store = store(context);
    store.put(7, pending(3, "f3").encode()); // from a larger window
    store.put(0, pending(4, "f4").encode());
    store.put(1, pending(2, "f2").encode());
    FrameProcessor processor =
        new FrameProcessor(stage(delivery(2), OverloadSettings.KEEP_ALL, inOneTransaction()));

    processor.init(context);
    for (String frame : List.of("f2", "f3", "f4")) {
      finish(frame);
    }
    until(
        () -> {
          context.scheduledPunctuators().get(0).getPunctuator().punctuate(0);
          return context.forwarded().size() == 3;
        });

    assertThat(context.forwarded())
        .extracting(forwarded -> ((RecognitionEvent) forwarded.record().value()).getFrameId())
        .containsExactly("f2", "f3", "f4");
    assertThat(count(store)).isZero();
  }

  @Test
  void givesUpItsWorkWhenClosedAndBeginsAgainWhenResumed() throws Exception {
    MockProcessorContext<Object, Object> context = new MockProcessorContext<>();
    KeyValueStore<Integer, byte[]> store = store(context);
    store.put(0, pending(0, "f0").encode());
    FrameProcessor processor =
        new FrameProcessor(stage(delivery(2), OverloadSettings.KEEP_ALL, inOneTransaction()));
    processor.init(context);
    CompletableFuture<Recognition> first = await("f0");

    processor.close();
    until(first::isCancelled);
    assertThat(count(store)).isEqualTo(1);
    assertThat(inHand.drain(Duration.ZERO)).isZero();
  }

  @Test
  void asksForACommitOnceNothingIsInHand() throws Exception {
    MockProcessorContext<Object, Object> context = new MockProcessorContext<>();
    FrameProcessor processor = holding(context, delivery(2), "f0", "f1");

    finish("f0");
    tick(context, 1_000, 1);
    assertThat(context.committed()).isFalse();
    finish("f1");
    tick(context, 1_000, 2);
    assertThat(context.committed()).isTrue();

    context.resetCommit();
    processor.process(pending(2, "f2").record());
    finish("f2");
    tick(context, 1_019, 3);
    assertThat(context.committed()).as("19 ms after the one before").isFalse();
    tick(context, 1_020, 3);
    assertThat(context.committed()).isTrue();
    assertThat(timer(context).cancelled()).isTrue();
  }

  @Test
  void leavesCommitsToTheIntervalWhereNoReaderWaitsForThem() throws Exception {
    MockProcessorContext<Object, Object> context = new MockProcessorContext<>();
    DeliverySettings atLeastOnce =
        new DeliverySettings(
            false,
            2,
            Duration.ofSeconds(60),
            Duration.ofSeconds(60),
            Duration.ofSeconds(1),
            0,
            Duration.ofMinutes(1));
    holding(context, atLeastOnce, "f0");

    finish("f0");
    tick(context, 1_000, 1);

    assertThat(context.committed()).isFalse();
    assertThat(timer(context).cancelled()).isTrue();
  }

  /** A processor that takes frames up again. */
  private FrameProcessor holding(
      MockProcessorContext<Object, Object> context, DeliverySettings delivery, String... frames) {
    KeyValueStore<Integer, byte[]> store = store(context);
    for (int i = 0; i < frames.length; i++) {
      store.put(i, pending(i, frames[i]).encode());
    }
    FrameProcessor processor =
        new FrameProcessor(stage(delivery, OverloadSettings.KEEP_ALL, inOneTransaction()));
    processor.init(context);
    return processor;
  }

  private static MockProcessorContext.CapturedPunctuator timer(
      MockProcessorContext<Object, Object> context) {
    List<MockProcessorContext.CapturedPunctuator> timers = context.scheduledPunctuators();
    return timers.get(timers.size() - 1);
  }

  /** Runs the timer at this time, until so many answers have been sent in all. */
  private static void tick(MockProcessorContext<Object, Object> context, long now, int answers) {
    until(
        () -> {
          timer(context).getPunctuator().punctuate(now);
          return context.forwarded().size() == answers;
        });
  }

  @Test
  void failsTheTaskWhenRecognitionStandsStill() throws Exception {
    MockProcessorContext<Object, Object> context = new MockProcessorContext<>();
    store(context).put(0, pending(0, "f0").encode());
    DeliverySettings impatient =
        new DeliverySettings(
            true,
            2,
            Duration.ofSeconds(60),
            Duration.ofMillis(50),
            Duration.ZERO,
            0,
            Duration.ofMinutes(1));
    FrameProcessor processor =
        new FrameProcessor(stage(impatient, OverloadSettings.KEEP_ALL, inOneTransaction()));
    processor.init(context);
    await("f0");
    storeIsAway.set(true);
    TimeUnit.MILLISECONDS.sleep(100);
    context.scheduledPunctuators().get(0).getPunctuator().punctuate(0);
    storeIsAway.set(false);
    TimeUnit.MILLISECONDS.sleep(100);

    assertThatThrownBy(() -> context.scheduledPunctuators().get(0).getPunctuator().punctuate(0))
        .isInstanceOf(StalledException.class)
        .hasMessageContaining("shelf.frames-0@10");
    processor.close();
  }

  @Test
  void beginsNothingWhileItDrains() throws Exception {
    start(64, OverloadSettings.KEEP_ALL, inOneTransaction());
    publish("c", "f1");
    CompletableFuture<Recognition> first = await("f1");
    CompletableFuture<Integer> drained =
        CompletableFuture.supplyAsync(() -> inHand.drain(Duration.ofSeconds(20)));
    until(inHand::isDraining);

    publish("c", "f2");
    first.complete(seen());
    until(
        () -> {
          driver.advanceWallClockTime(Duration.ofMillis(1));
          return drained.isDone();
        });

    assertThat(drained.get()).isZero();
    assertThat(answered()).containsExactly("f1");
    assertThat(begun).doesNotContainKey("f2");
    assertThat(count(driver.getKeyValueStore(NodeNames.PENDING_FRAMES))).isEqualTo(1);
  }

  @Test
  void readsItsOwnEncodingAndRefusesALaterOne() {
    RecordHeaders headers = new RecordHeaders();
    headers.add("schlüssel", new byte[] {1}).add("none", null);
    PendingFrame frame =
        new PendingFrame(1L << 40, 9, 0, new Record<>(null, new byte[] {1, 2}, 77, headers));

    PendingFrame read = PendingFrame.decode(frame.encode());

    assertThat(read.sequence()).isEqualTo(1L << 40);
    assertThat(read.offset()).isEqualTo(9);
    assertThat(read.record().key()).isNull();
    assertThat(read.record().value()).containsExactly(1, 2);
    assertThat(read.record().timestamp()).isEqualTo(77);
    assertThat(read.record().headers()).isEqualTo(headers);
    byte[] later = frame.encode();
    later[0] = 6; // 3, as Avro writes it
    assertThatThrownBy(() -> PendingFrame.decode(later)).hasMessageContaining("form 3");
  }

  @Test
  void readsTheEncodingOfEarlierVersions() throws Exception {
    ByteArrayOutputStream earlier = new ByteArrayOutputStream();
    BinaryEncoder out = EncoderFactory.get().directBinaryEncoder(earlier, null);
    out.writeInt(1);
    out.writeLong(3);
    out.writeLong(77);
    out.writeLong(9);
    out.writeBoolean(false);
    out.writeBoolean(true);
    out.writeBytes(new byte[] {5});
    out.writeInt(0);
    out.flush();

    PendingFrame read = PendingFrame.decode(earlier.toByteArray());

    assertThat(read.sequence()).isEqualTo(3);
    assertThat(read.offset()).isEqualTo(9);
    assertThat(read.isOmitted()).isFalse();
    assertThat(read.record().timestamp()).isEqualTo(77);
    assertThat(read.record().value()).containsExactly(5);
  }

  private KeyValueStore<Integer, byte[]> store(MockProcessorContext<Object, Object> context) {
    KeyValueStore<Integer, byte[]> store =
        Stores.keyValueStoreBuilder(
                Stores.inMemoryKeyValueStore(NodeNames.PENDING_FRAMES),
                Serdes.Integer(),
                Serdes.ByteArray())
            .withLoggingDisabled()
            .build();
    store.init(context.getStateStoreContext(), store);
    context.addStateStore(store);
    return store;
  }

  private PendingFrame pending(long sequence, String frameId) {
    return new PendingFrame(
        sequence,
        10 + sequence,
        0,
        new Record<>("c".getBytes(StandardCharsets.UTF_8), reference("c", frameId), 0));
  }

  private byte[] reference(String camera, String frameId) {
    ImageReference frame = RecognitionEvents.reference(camera, frameId, "data:,x", NOW);
    return serdes.frames().serializer().serialize(TOPICS.frames(), frame);
  }

  private void publish(String camera, String frameId) {
    frames.pipeInput(camera, reference(camera, frameId));
  }

  private CompletableFuture<Recognition> await(String frameId) {
    until(() -> begun.containsKey(frameId));
    return begun.get(frameId);
  }

  private void finish(String frameId) {
    await(frameId).complete(seen());
  }

  /** The same for a frame that is begun only when others have left. */
  private void finishEventually(String frameId) {
    until(
        () -> {
          driver.advanceWallClockTime(Duration.ofMillis(1));
          return begun.containsKey(frameId);
        });
    finish(frameId);
  }

  private static Recognition seen() {
    return new Recognition(1, 1, List.of(), NO_GALLERY, MODELS, new StageTimes());
  }

  private List<String> answered() {
    return events().stream().map(RecognitionEvent::getFrameId).toList();
  }

  private List<RecognitionEvent> events() {
    return driver
        .createOutputTopic(
            TOPICS.recognitions(), new StringDeserializer(), serdes.recognitions().deserializer())
        .readValuesToList();
  }

  private int deadLetters() {
    return driver
        .createOutputTopic(
            TOPICS.deadLetters(), new StringDeserializer(), new ByteArrayDeserializer())
        .readValuesToList()
        .size();
  }
}
