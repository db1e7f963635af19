package io.shelfstream.topology;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.broker.Topics;
import io.shelfstream.client.EventProducer;
import io.shelfstream.client.TopicReader;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.recognition.Pictures;
import io.shelfstream.s3.S3Location;
import io.shelfstream.s3.S3Server;
import io.shelfstream.s3.SdkCredentials;
import java.awt.Color;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Frames from a real S3 server, which is killed in between. */
@ExtendWith(SharedBroker.class)
class S3OutageIT {
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final String BUCKET = "shelf-frames";
  private static final int FRAMES = 60;

  private final Map<String, byte[]> objects = new LinkedHashMap<>();
  private S3Server store;
  private SdkCredentials credentials;
  private ShelfStreamConfig config;

  @BeforeEach
  void start(EmbeddedBroker broker, @TempDir Path folder, TestInfo test) throws Exception {
    credentials = new SdkCredentials(S3Server.CREDENTIALS);
    store = new S3Server(folder.resolve("s3"));
    byte[] picture = Pictures.plain(Color.RED);
    for (int i = 0; i < FRAMES; i++) {
      objects.put("K\u00fchlregal 1+1/50%% \u96ea/%d.png".formatted(i), picture);
    }
    store.fill(BUCKET, objects);
    config =
        new TestTopics(broker.bootstrapServers(), folder, test)
            .config(
                Map.of(
                    "images.allowed.buckets",
                    BUCKET,
                    "images.s3.endpoint",
                    store.endpoint().toString(),
                    // Shorter than the outage: a wait for the store is no stall.
                    "delivery.stall.limit",
                    "2s",
                    "delivery.restarts",
                    "0"));
    Topics.create(config);
  }

  @AfterEach
  void stop() throws Exception {
    credentials.close();
    if (store != null) {
      store.close();
    }
  }

  @Test
  void losesNoFrameWhenTheStoreIsKilledAndComesBack() throws Exception {
    List<String> keys = List.copyOf(objects.keySet());
    try (RecognitionService service = RecognitionService.start(config);
        EventProducer producer = new EventProducer(config);
        TopicReader answers =
            new TopicReader(
                config,
                TopicReader.From.BEGINNING,
                config.topics().recognitions(),
                config.topics().deadLetters())) {
      publish(producer, keys.subList(0, FRAMES / 3));
      List<String> answered = new ArrayList<>(answers(answers, FRAMES / 3));
      store.kill();
      publish(producer, keys.subList(FRAMES / 3, FRAMES));
      TimeUnit.SECONDS.sleep(4);
      assertThat(answers(answers, FRAMES, Duration.ZERO)).isEmpty();

      store.start();

      answered.addAll(answers(answers, FRAMES - FRAMES / 3));
      assertThat(answered).containsExactlyElementsOf(keys);
      assertThat(service.isReady()).isTrue();
    }
  }

  @Test
  void saysWhetherABucketAnswers() throws Exception {
    try (ImageFetcher fetcher = new ImageFetcher(config.images().fetchPolicy())) {
      assertThat(fetcher.look(BUCKET)).isEqualTo(BUCKET + " answers");
    }
  }

  private void publish(EventProducer producer, List<String> keys) {
    for (String key : keys) {
      producer.send(
          config.topics().frames(),
          "camera",
          TestTopics.SERDES.frames(),
          RecognitionEvents.reference(
              "camera", key, new S3Location(BUCKET, key, null).uri(), Instant.now()));
    }
    producer.flush();
  }

  private List<String> answers(TopicReader reader, int count) {
    return answers(reader, count, PATIENCE);
  }

  /** Ids of the frames of events; fails on a dead letter. */
  private List<String> answers(TopicReader reader, int count, Duration patience) {
    List<String> frames = new ArrayList<>();
    long deadline = System.nanoTime() + patience.toNanos();
    do {
      for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofMillis(200))) {
        assertThat(record.topic()).isEqualTo(config.topics().recognitions());
        RecognitionEvent event =
            TestTopics.SERDES
                .recognitions()
                .deserializer()
                .deserialize(record.topic(), record.value());
        frames.add(event.getFrameId());
      }
    } while (frames.size() < count && System.nanoTime() < deadline);
    return frames;
  }
}
