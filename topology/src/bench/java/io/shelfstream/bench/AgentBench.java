package io.shelfstream.bench;

import io.shelfstream.broker.Topics;
import io.shelfstream.camera.FakeCamera;
import io.shelfstream.config.ShelfStreamConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** Main class of {@code deploy/bench agent}; the script says what it does. */
final class AgentBench {
  private final Results results;
  private final Path folder;
  private final Path target;
  private final boolean quick;

  private AgentBench(Results results, Path target, Path folder, boolean quick) {
    this.results = results;
    this.target = target;
    this.folder = folder;
    this.quick = quick;
  }

  public static void main(String[] arguments) throws Exception {
    Path target = Files.createDirectories(Path.of(System.getProperty("bench.target")));
    Path folder = Files.createTempDirectory(target, "agent-");
    Results results = new Results("agent");
    try {
      new AgentBench(results, target, folder, List.of(arguments).contains("--quick")).run();
    } finally {
      Files.move(
          folder.resolve("kills/agent.log"),
          target.resolve("agent-agents.log"),
          java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      Folders.delete(folder);
    }
    System.exit(results.finish(target.resolve("agent.json")));
  }

  private void run() throws Exception {
    Path errors = target.resolve("agent-broker.log");
    long seed = new Random().nextInt(1_000_000);
    System.out.println("seed " + seed);
    try (Program broker = Program.broker(folder.resolve("broker"), errors)) {
      Map<String, String> settings = Map.of("kafka.bootstrap.servers", broker.line());
      Topics.create(ShelfStreamConfig.load(null, settings));
      kills(settings, broker, seed);
    }
    try (Program broker = Program.broker(folder.resolve("broker-2"), errors)) {
      Map<String, String> settings = Map.of("kafka.bootstrap.servers", broker.line());
      Topics.create(ShelfStreamConfig.load(null, settings));
      footprint(settings);
    }
  }

  /** Ten pictures a second, and a broker that stands still for a while in between. */
  private void kills(Map<String, String> settings, Program broker, long seed) throws Exception {
    int kills = quick ? 3 : 10;
    Path place = Files.createDirectories(folder.resolve("kills"));
    try (FakeCamera camera = new FakeCamera();
        AgentKills agent = new AgentKills(settings, place, camera.uri("/snapshot.jpg"), seed)) {
      Duration every = Duration.ofMillis(100);
      agent.run(kills - 1, every);
      try (Program running = agent.start(every)) {
        agent.awaitMore(3);
        broker.signal("STOP");
        TimeUnit.SECONDS.sleep(15);
        running.kill();
      }
      broker.signal("CONT");
      try (Program running = agent.start(every)) {
        agent.awaitMore(30);
        running.stop();
      }
      AgentKills.Found found = agent.found();
      String check = "kill";
      results.atLeast(check, "frames that were stored", found.stored(), 10 * kills);
      results.note(check, "frames that were published", found.published());
      results.atMost(check, "stored and not published", found.lost(), 0);
      results.atMost(check, "published twice", found.doubled(), 0);
      results.atMost(check, "published without a picture", found.withoutPicture(), 0);
      results.atMost(check, "published out of order", found.outOfOrder(), 0);
    }
  }

  /** One camera with full-HD pictures, every two seconds. */
  private void footprint(Map<String, String> settings) throws Exception {
    Path place = Files.createDirectories(folder.resolve("footprint"));
    try (FakeCamera camera = new FakeCamera(1920, 1080)) {
      for (String path : List.of("/snapshot.jpg", "/stream")) {
        Path its = Files.createDirectories(place.resolve(path.substring(1)));
        try (AgentKills agent = new AgentKills(settings, its, camera.uri(path), 0);
            Program running = agent.start(Duration.ofSeconds(2))) {
          agent.awaitMore(2);
          TimeUnit.SECONDS.sleep(10);
          double cpu = running.cpuSeconds();
          int seconds = quick ? 20 : 60;
          TimeUnit.SECONDS.sleep(seconds);
          String check = "footprint";
          String what = " of an agent, 1920x1080 every 2 s, " + path;
          results.note(check, "CPU, percent" + what, (running.cpuSeconds() - cpu) / seconds * 100);
          results.note(check, "resident MiB" + what, running.residentMib());
          running.stop();
        }
      }
    }
  }
}
