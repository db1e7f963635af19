package io.shelfstream.topology;

import io.shelfstream.broker.Topics;
import io.shelfstream.config.OverloadSettings;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.ImageReference;
import io.shelfstream.gallery.GalleryState;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.streams.Topology;

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

  /** What a frame shows when nobody looks. */
  public static Recognition nothing() {
    StageTimes times = new StageTimes();
    return new Recognition(640, 480, List.of(), NO_GALLERY, MODELS, times);
  }

  /**
   * The recognition application.
   *
   * @param failed is told when it ended by itself
   */
  public static Running recognition(
      ShelfStreamConfig config,
      Function<ImageReference, CompletableFuture<Recognition>> recognizer,
      Runnable failed) {
    EventSerdes serdes = EventSerdes.of(config.schemaRegistry());
    serdes.prepare(config, Role.RECOGNISE);
    Topics.create(config, Role.RECOGNISE);
    FrameAnswers answers =
        new FrameAnswers(
            config.topics().frames(),
            serdes,
            recognizer::apply,
            new RecognitionEvents("shelf", Clock.systemUTC()),
            () -> new FrameAnswers.Versions(MODELS, NO_GALLERY));
    FramesInHand inHand = new FramesInHand();
    Deliveries deliveries =
        config.delivery().exactlyOnce() ? Deliveries.IN_ONE_TRANSACTION : new Acknowledgements();
    FrameStage stage =
        new FrameStage(
            config.topics().frames(),
            answers,
            config.delivery(),
            OverloadSettings.KEEP_ALL,
            deliveries,
            inHand);
    StreamsApplication application =
        new StreamsApplication(
            config,
            config.applicationId(),
            () -> RecognitionTopology.recognition(config.topics(), serdes, stage, config.outputs()),
            deliveries,
            (id, cause) -> {
              cause.printStackTrace();
              failed.run();
            });
    application.start();
    return () -> {
      inHand.drain(Duration.ofSeconds(30));
      application.close();
      answers.close();
    };
  }

  /** Frames go to the recognitions topic as they are, with the same settings of Kafka Streams. */
  public static Running passThrough(ShelfStreamConfig config) {
    Topics.create(config, Role.RECOGNISE);
    StreamsApplication application =
        new StreamsApplication(
            config,
            config.applicationId(),
            () -> passThrough(config.topics()),
            Deliveries.IN_ONE_TRANSACTION,
            (id, cause) -> {
              throw new IllegalStateException(cause);
            });
    application.start();
    return application::close;
  }

  private static Topology passThrough(TopicNames topics) {
    ByteArrayDeserializer from = new ByteArrayDeserializer();
    ByteArraySerializer to = new ByteArraySerializer();
    return new Topology()
        .addSource("frames", from, from, topics.frames())
        .addSink("recognitions", topics.recognitions(), to, to, "frames");
  }
}
