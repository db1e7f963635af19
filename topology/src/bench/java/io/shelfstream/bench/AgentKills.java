package io.shelfstream.bench;

import io.shelfstream.client.TopicReader;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.ImageReference;
import io.shelfstream.messages.EventSerdes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * The agent of a camera, killed again and again while it films. What it stored and what it
 * published is looked up from outside: in its folder, and on the topic.
 */
final class AgentKills implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final String CAMERA = "c17";

  private final ShelfStreamConfig config;
  private final Map<String, String> settings;
  private final Path folder;
  private final String url;
  private final Random random;
  private final EventSerdes serdes;
  private final TopicReader reader;
  private final List<String> published = new ArrayList<>();

  /**
   * What was found.
   *
   * @param stored pictures in the folder
   * @param published committed records
   * @param lost stored and not published
   * @param doubled records of a frame that has one already
   * @param withoutPicture records of a frame that is not stored
   * @param outOfOrder records before which a later frame was published
   */
  record Found(
      int stored, int published, int lost, int doubled, int withoutPicture, int outOfOrder) {}

  /**
   * @param settings of the configuration
   * @param folder of the frames and of the agent's state
   * @param url of the camera
   */
  AgentKills(Map<String, String> settings, Path folder, String url, long seed) {
    this.settings = settings;
    this.config = ShelfStreamConfig.load(null, settings);
    this.folder = folder;
    this.url = url;
    this.random = new Random(seed);
    this.serdes = EventSerdes.of(config.schemaRegistry());
    this.reader = new TopicReader(config, TopicReader.From.BEGINNING, config.topics().frames());
  }

  /** Starts the agent; it goes on where the one before it was killed. */
  Program start(Duration every) throws IOException {
    List<String> command =
        new ArrayList<>(List.of("-Xmx64m", "io.shelfstream.Main", "publish", "--camera", CAMERA));
    command.addAll(List.of("--snapshot", url, "--every", every.toMillis() + "ms"));
    command.addAll(List.of("--store", folder.resolve("frames").toString()));
    command.addAll(List.of("--state", folder.resolve("state").toString()));
    settings.forEach((key, value) -> command.addAll(List.of("--set", key + "=" + value)));
    return Program.java(folder.resolve("agent.log"), command.toArray(String[]::new));
  }

  /** Lets it film and kills it, so many times; the last one stops by itself. */
  Found run(int kills, Duration every) throws Exception {
    for (int i = 0; i < kills; i++) {
      try (Program agent = start(every)) {
        awaitMore(3);
        TimeUnit.MILLISECONDS.sleep(random.nextInt(1500));
        agent.kill();
      }
    }
    try (Program agent = start(every)) {
      awaitMore(3);
      agent.stop();
    }
    return found();
  }

  /** Waits until so many more frames are published. */
  void awaitMore(int frames) throws Exception {
    long end = System.nanoTime() + PATIENCE.toNanos();
    read();
    int before = published.size();
    while (published.size() < before + frames) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException("Nothing is published; see " + folder.resolve("agent.log"));
      }
      read();
    }
  }

  Found found() throws IOException {
    Set<String> stored = new HashSet<>();
    try (var files = Files.walk(folder.resolve("frames"))) {
      files
          .filter(Files::isRegularFile)
          .map(file -> file.getFileName().toString().replace(".jpg", ""))
          .forEach(stored::add);
    }
    while (!reader.atEnd()) {
      read();
    }
    Set<String> distinct = new HashSet<>();
    int outOfOrder = 0;
    String highest = "";
    for (String frame : published) {
      distinct.add(frame);
      outOfOrder += frame.compareTo(highest) < 0 ? 1 : 0;
      highest = frame.compareTo(highest) > 0 ? frame : highest;
    }
    return new Found(
        stored.size(),
        published.size(),
        (int) stored.stream().filter(frame -> !distinct.contains(frame)).count(),
        published.size() - distinct.size(),
        (int) distinct.stream().filter(frame -> !stored.contains(frame)).count(),
        outOfOrder);
  }

  /** Reads ids of committed frames that are there. */
  private void read() {
    for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofMillis(200))) {
      ImageReference frame =
          serdes.frames().deserializer().deserialize(record.topic(), record.value());
      published.add(frame.getFrameId());
    }
  }

  @Override
  public void close() {
    reader.close();
  }
}
