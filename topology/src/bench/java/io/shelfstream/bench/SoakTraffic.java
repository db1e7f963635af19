package io.shelfstream.bench;

import io.shelfstream.client.EventProducer;
import io.shelfstream.client.TopicReader;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.messages.RecognitionEvents;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * More frames than can be recognised: so many wait on the topic at any time. One consumer counts
 * the answers, another one reads a few of them now and then and falls behind.
 */
final class SoakTraffic implements AutoCloseable {
  private static final int CAMERAS = 32;
  private static final int WAITING = 2000;

  private final ShelfStreamConfig config;
  private final SlowImages images;
  private final Background background = new Background();
  private final List<Thread> threads;
  private volatile boolean running = true;
  private volatile int answered;
  private volatile int rejected;
  private volatile int readSlowly;

  SoakTraffic(ShelfStreamConfig config, SlowImages images) {
    this.config = config;
    this.images = images;
    this.threads =
        List.of(
            background.start("publisher", this::publish),
            background.start("counter", this::count),
            background.start("slow-consumer", this::readSlowly));
  }

  private void publish() throws InterruptedException {
    try (EventProducer producer = new EventProducer(config)) {
      for (int i = 0; running; i++) {
        while (running && i - answered >= WAITING) {
          TimeUnit.MILLISECONDS.sleep(5);
        }
        String camera = "cam" + i % CAMERAS;
        producer.send(
            config.topics().frames(),
            camera,
            producer.serdes().frames(),
            RecognitionEvents.reference(camera, Integer.toString(i), images.uri(i), Instant.now()));
      }
    }
  }

  private void count() {
    try (TopicReader reader =
        new TopicReader(
            config,
            TopicReader.From.BEGINNING,
            config.topics().recognitions(),
            config.topics().deadLetters())) {
      while (running) {
        for (var record : reader.poll(Duration.ofMillis(50))) {
          answered++;
          if (record.topic().equals(config.topics().deadLetters())) {
            rejected++;
          }
        }
      }
    }
  }

  private void readSlowly() throws InterruptedException {
    try (TopicReader reader =
        new TopicReader(config, TopicReader.From.BEGINNING, config.topics().recognitions())) {
      while (running) {
        for (var record : reader.poll(Duration.ofMillis(50))) {
          readSlowly++;
          if (!running) {
            return;
          }
          TimeUnit.MILLISECONDS.sleep(200); // the broker keeps the rest for it
        }
      }
    }
  }

  void check() {
    background.check();
  }

  /** Frames that led to an event or a dead letter. */
  int answered() {
    return answered;
  }

  int rejected() {
    return rejected;
  }

  int behind() {
    return answered - rejected - readSlowly;
  }

  @Override
  public void close() throws InterruptedException {
    running = false;
    for (Thread thread : threads) {
      thread.join(10_000);
    }
  }
}
