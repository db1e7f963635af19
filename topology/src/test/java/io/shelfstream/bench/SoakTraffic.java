package io.shelfstream.bench;

import io.shelfstream.client.EventProducer;
import io.shelfstream.client.TopicReader;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.topology.RecognitionEvents;
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
  private final List<Thread> threads;
  private volatile boolean running = true;
  private volatile int answered;
  private volatile int rejected;
  private volatile int readSlowly;
  private volatile Throwable failure;

  SoakTraffic(ShelfStreamConfig config, SlowImages images) {
    this.config = config;
    this.images = images;
    this.threads =
        List.of(
            new Thread(() -> guarded(this::publish), "publisher"),
            new Thread(() -> guarded(this::count), "counter"),
            new Thread(() -> guarded(this::readSlowly), "slow-consumer"));
    for (Thread thread : threads) {
      thread.setDaemon(true);
      thread.start();
    }
  }

  private interface Work {
    void run() throws Exception;
  }

  private void guarded(Work work) {
    try {
      work.run();
    } catch (Exception e) {
      failure = e;
    }
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
    if (failure != null) {
      throw new IllegalStateException("Traffic failed", failure);
    }
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
