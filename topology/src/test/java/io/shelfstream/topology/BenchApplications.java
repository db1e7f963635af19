package io.shelfstream.topology;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.shelfstream.broker.Topics;
import io.shelfstream.config.NodeNames;
import io.shelfstream.config.Role;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.ImageReference;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.follower.LiveGallery;
import io.shelfstream.frames.FrameAnswers;
import io.shelfstream.frames.FrameProcessorSupplier;
import io.shelfstream.frames.FrameTraces;
import io.shelfstream.frames.FramesInHand;
import io.shelfstream.frames.PublishProcessor;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.gallery.GalleryState;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.messages.RecordLimits;
import io.shelfstream.metrics.FrameMetrics;
import io.shelfstream.metrics.KafkaMetrics;
import io.shelfstream.metrics.ServiceMetrics;
import io.shelfstream.outage.Deadline;
import io.shelfstream.recognition.ModelIds;
import io.shelfstream.recognition.Recognition;
import io.shelfstream.recognition.RejectedException;
import io.shelfstream.recognition.StageTimes;
import io.shelfstream.streams.Deliveries;
import io.shelfstream.streams.FailedRecords;
import io.shelfstream.streams.Lag;
import io.shelfstream.streams.Lifecycle;
import io.shelfstream.streams.StreamsApplication;
import io.shelfstream.streams.WakeableClients;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;

/** The Kafka side of the service as it is, with another recogniser, for {@code deploy/bench}. */
public final class BenchApplications {
  private static final GalleryState NO_GALLERY = new GalleryState(Map.of(), 0, "Flat");
  private static final ModelIds MODELS = new ModelIds("none", "none", "cpu");

  private BenchApplications() {}

  /** An application under work; closing drains it. */
  public interface Running extends AutoCloseable {
    @Override
    void close();
  }

  /** The gallery of a service as it stands now. */
  public static Gallery gallery(RecognitionService service) {
    return ((LiveGallery) service.gallery()).current();
  }

  /** What a frame shows when nobody looks. */
  public static Recognition nothing() {
    StageTimes times = new StageTimes();
    return new Recognition(640, 480, List.of(), NO_GALLERY, MODELS, times);
  }

  /**
   * The recognition application, without metrics.
   *
   * @param failed is told when it ended by itself
   */
  public static Running recognition(
      ShelfStreamConfig config,
      Function<ImageReference, CompletableFuture<Recognition>> recognizer,
      Runnable failed) {
    // A registry of no registries: it measures nothing.
    return recognition(config, new CompositeMeterRegistry(), recognizer, failed, shown -> () -> {});
  }

  /** The same with the metrics of a service whose port is open. */
  public static Running recognition(
      ShelfStreamConfig config,
      PrometheusMeterRegistry registry,
      Function<ImageReference, CompletableFuture<Recognition>> recognizer,
      Runnable failed) {
    return recognition(
        config,
        registry,
        recognizer,
        failed,
        shown -> {
          KafkaMetrics kafka = new KafkaMetrics();
          kafka.add(config.applicationId(), shown.application()::figures);
          registry.getPrometheusRegistry().register(kafka);
          Lag lag = new Lag(config, new ServiceMetrics(registry));
          lag.watch(config.applicationId(), shown.deliveries().progress());
          lag.start();
          return lag::close;
        });
  }

  private record Shown(StreamsApplication application, Deliveries deliveries) {}

  private static Running recognition(
      ShelfStreamConfig config,
      MeterRegistry registry,
      Function<ImageReference, CompletableFuture<Recognition>> recognizer,
      Runnable failed,
      Function<Shown, Running> show) {
    EventSerdes serdes = EventSerdes.of(config.schemaRegistry());
    serdes.prepare(config, Role.RECOGNIZE, Deadline.NONE);
    Topics.create(config, Role.RECOGNIZE);
    FrameAnswers answers =
        new FrameAnswers(
            config.topics().frames(),
            serdes,
            (frame, times) -> recognizer.apply(frame),
            new RecognitionEvents("shelf", Clock.systemUTC()),
            () -> new RecognitionEvents.SeenWith(MODELS, NO_GALLERY),
            () -> false);
    FramesInHand inHand = new FramesInHand();
    WakeableClients clients = new WakeableClients();
    Deliveries deliveries = new Deliveries(config.delivery().exactlyOnce(), new FailedRecords());
    RecordLimits limits = Topics.limits(config, Role.RECOGNIZE);
    FrameProcessorSupplier recognize =
        FrameProcessorSupplier.of(
            config,
            answers,
            deliveries,
            limits,
            inHand,
            clients,
            new FrameMetrics(new ServiceMetrics(registry)),
            FrameTraces.off(config.topics()));
    StreamsApplication application =
        StreamsApplication.answeringLater(
            config,
            config.applicationId(),
            () ->
                RecognitionTopology.recognition(
                    config.topics(), serdes, recognize, config.outputs()),
            deliveries,
            clients,
            new Lifecycle(
                "The application",
                now -> {
                  if (now.is(Lifecycle.State.FAILED)) {
                    failed.run();
                  }
                }));
    application.start();
    Running shown = show.apply(new Shown(application, deliveries));
    return () -> {
      shown.close();
      inHand.drain(Duration.ofSeconds(30));
      application.close();
      answers.close();
    };
  }

  /** Frames go to the recognitions topic as they are, with the same settings of Kafka Streams. */
  public static Running copy(ShelfStreamConfig config) {
    ByteArrayDeserializer from = new ByteArrayDeserializer();
    ByteArraySerializer to = new ByteArraySerializer();
    Topology copy =
        new Topology()
            .addSource("frames", from, from, config.topics().frames())
            .addSink("recognitions", config.topics().recognitions(), to, to, "frames");
    return start(config, copy);
  }

  /**
   * The plain topology of the same records: each frame is read, answered and written within the
   * call that brings it, with the same serdes, events, headers and settings of Kafka Streams.
   * Nothing is kept, and nothing is handed to another thread.
   */
  public static Running passThrough(ShelfStreamConfig config) {
    EventSerdes serdes = EventSerdes.of(config.schemaRegistry());
    serdes.prepare(config, Role.RECOGNIZE, Deadline.NONE);
    RecognitionEvents events = new RecognitionEvents("shelf", Clock.systemUTC());
    ByteArrayDeserializer from = new ByteArrayDeserializer();
    Topology passThrough =
        new Topology()
            .addSource("frames", from, from, config.topics().frames())
            .addProcessor("answer", () -> new Answering(config, serdes, events), "frames")
            .addProcessor(
                "publish",
                () ->
                    new PublishProcessor(
                        config.topics(),
                        serdes,
                        config.outputs(),
                        RecordLimits.all(Topics.LARGEST_RECORD)),
                "answer")
            .addSink(
                NodeNames.RECOGNITIONS,
                config.topics().recognitions(),
                new StringSerializer(),
                new ByteArraySerializer(),
                "publish");
    return start(config, passThrough);
  }

  private static final class Answering
      extends ContextualProcessor<byte[], byte[], String, RecognitionEvent> {
    private final ShelfStreamConfig config;
    private final EventSerdes serdes;
    private final RecognitionEvents events;

    Answering(ShelfStreamConfig config, EventSerdes serdes, RecognitionEvents events) {
      this.config = config;
      this.serdes = serdes;
      this.events = events;
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      try {
        ImageReference frame = serdes.readFrame(config.topics().frames(), record);
        RecognitionEvent event = events.of(frame, nothing(), record.timestamp());
        context().forward(record.withKey(event.getCameraId()).withValue(event));
      } catch (RejectedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private static Running start(ShelfStreamConfig config, Topology topology) {
    Topics.create(config, Role.RECOGNIZE);
    StreamsApplication application =
        StreamsApplication.answeringAtOnce(
            config,
            config.applicationId(),
            () -> topology,
            new Deliveries(config.delivery().exactlyOnce(), new FailedRecords()),
            Map.of(),
            new Lifecycle("The application"));
    application.start();
    return application::close;
  }
}
