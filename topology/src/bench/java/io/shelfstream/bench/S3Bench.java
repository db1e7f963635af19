package io.shelfstream.bench;

import io.shelfstream.broker.Topics;
import io.shelfstream.client.EventProducer;
import io.shelfstream.client.TopicReader;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.s3.S3Location;
import io.shelfstream.s3.S3Server;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** Main class of {@code deploy/bench s3}; the script says what it does. */
final class S3Bench {
  private static final String BUCKET = "shelf-frames";
  private static final int CAMERAS = 4;
  private static final Duration PATIENCE = Duration.ofMinutes(15);

  private final Path target;
  private final Path folder;
  private final Path home = Path.of(System.getProperty("shelfstream.home"));
  private final int frames;
  private final int outageSeconds;
  private final Map<String, List<String>> answered = new TreeMap<>();
  private int events;
  private int deadLetters;

  private S3Bench(Path target, Path folder, boolean quick) {
    this.target = target;
    this.folder = folder;
    this.frames = quick ? 200 : 1000;
    this.outageSeconds = quick ? 8 : 20;
  }

  public static void main(String[] arguments) throws Exception {
    Path target = Files.createDirectories(Path.of(System.getProperty("bench.target")));
    Path folder = Files.createTempDirectory(target, "s3-");
    Results results = new Results("s3");
    try {
      new S3Bench(target, folder, List.of(arguments).contains("--quick")).run(results);
    } finally {
      Folders.delete(folder);
    }
    System.exit(results.finish(target.resolve("s3.json")));
  }

  private void run(Results results) throws Exception {
    Path errors = target.resolve("s3-broker.log");
    Path log = target.resolve("s3-service.log");
    System.out.println("what the service says: " + log);
    try (S3Server store = new S3Server(folder.resolve("store"));
        Program broker = Program.broker(folder.resolve("broker"), errors)) {
      List<String> keys = fill(store);
      Path file = configuration(broker.line(), store);
      ShelfStreamConfig config = ShelfStreamConfig.load(file, Map.of());
      Topics.create(config, CAMERAS, (short) 1);
      List<String> command = new ArrayList<>(List.of("env"));
      S3Server.CREDENTIALS.forEach((name, value) -> command.add(name + "=" + value));
      command.addAll(
          List.of(home.resolve("shelfstream").toString(), "run", "--config", file.toString()));
      try (Program service = new Program(command, log);
          TopicReader reader =
              new TopicReader(
                  config,
                  TopicReader.From.BEGINNING,
                  config.topics().recognitions(),
                  config.topics().deadLetters())) {
        service.awaitReady(log);
        long start = System.nanoTime();
        publish(config, keys);
        read(reader, config, frames / 3);
        store.kill();
        int before = events;
        System.out.println("the store is killed after " + before + " answers");
        TimeUnit.SECONDS.sleep(outageSeconds);
        store.start();
        read(reader, config, frames);
        double seconds = (System.nanoTime() - start) / 1e9;
        judge(results, keys, before, seconds);
      }
    }
  }

  /** Frames of the demo, under keys that need escapes. */
  private List<String> fill(S3Server store) throws Exception {
    List<Path> pictures;
    try (var files = Files.list(home.resolve("demo-data/frames/rendered"))) {
      pictures = files.filter(f -> f.toString().endsWith(".jpg")).sorted().toList();
    }
    Map<String, byte[]> objects = new LinkedHashMap<>();
    for (int i = 0; i < frames; i++) {
      String key = "K\u00fchlregal 1+1/50%% \u96ea/%04d.jpg".formatted(i);
      objects.put(key, Files.readAllBytes(pictures.get(i % pictures.size())));
    }
    store.fill(BUCKET, objects);
    return List.copyOf(objects.keySet());
  }

  private Path configuration(String bootstrap, S3Server store) throws Exception {
    return Files.write(
        folder.resolve("service.properties"),
        List.of(
            "kafka.bootstrap.servers = " + bootstrap,
            "images.allowed.buckets = " + BUCKET,
            "images.s3.endpoint = " + store.endpoint()));
  }

  private static void publish(ShelfStreamConfig config, List<String> keys) {
    try (EventProducer producer = new EventProducer(config)) {
      for (int i = 0; i < keys.size(); i++) {
        String camera = "cam" + i % CAMERAS;
        producer.send(
            config.topics().frames(),
            camera,
            producer.serdes().frames(),
            RecognitionEvents.reference(
                camera,
                keys.get(i),
                new S3Location(BUCKET, keys.get(i), null).uri(),
                Instant.now()));
      }
    }
  }

  private void read(TopicReader reader, ShelfStreamConfig config, int until) {
    EventSerdes serdes = EventSerdes.of(config.schemaRegistry());
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (events + deadLetters < until && System.nanoTime() < end) {
      for (var record : reader.poll(Duration.ofMillis(100))) {
        if (record.topic().equals(config.topics().deadLetters())) {
          deadLetters++;
        } else {
          RecognitionEvent event =
              serdes.recognitions().deserializer().deserialize(record.topic(), record.value());
          events++;
          answered
              .computeIfAbsent(event.getCameraId(), c -> new ArrayList<>())
              .add(event.getFrameId());
        }
      }
    }
  }

  private void judge(Results results, List<String> keys, int before, double seconds) {
    Map<String, List<String>> expected = new TreeMap<>();
    for (int i = 0; i < keys.size(); i++) {
      expected.computeIfAbsent("cam" + i % CAMERAS, c -> new ArrayList<>()).add(keys.get(i));
    }
    String check = "outage";
    results.note(check, "frames", frames);
    results.note(check, "seconds without the store, and its start", outageSeconds);
    results.note(check, "answers when the store was killed", before);
    results.atLeast(check, "events", events, frames);
    results.atMost(check, "dead letters", deadLetters, 0);
    results.atMost(
        check,
        "cameras whose frames are not all there once and in order",
        expected.entrySet().stream()
            .filter(e -> !e.getValue().equals(answered.get(e.getKey())))
            .count(),
        0);
    results.note(check, "seconds in all", seconds);
  }
}
