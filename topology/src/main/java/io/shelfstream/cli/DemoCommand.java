package io.shelfstream.cli;

import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.demo.Answer;
import io.shelfstream.demo.Demo;
import io.shelfstream.demo.Report;
import io.shelfstream.topology.RecognitionService;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    description = {
      "Runs the main job on your images: starts a Kafka broker and the service in this process, publishes a gallery and frames, and prints one recognition event a line as JSON.",
      "Annotated images and a report lie in --out afterwards. Everything but the events goes to standard error."
    })
final class DemoCommand implements Callable<Integer> {
  @Option(names = "--models", paramLabel = "DIR", description = "Model directory.")
  @Nullable Path models;

  @Option(names = "--images", paramLabel = "DIR", description = "Frames to recognise.")
  @Nullable Path images;

  @Option(
      names = "--gallery",
      paramLabel = "FILE",
      description = "Gallery file: 'relative/path<TAB>label' a line.")
  @Nullable Path gallery;

  @Option(
      names = "--image-root",
      paramLabel = "DIR",
      description = "Folder the paths in --gallery are relative to. Default: the file's folder.")
  @Nullable Path imageRoot;

  @Option(names = "--out", defaultValue = "target/demo", description = "Default: ${DEFAULT-VALUE}.")
  Path out = Path.of("target/demo");

  @Option(names = "--keep", description = "Stay up afterwards, for publishing more, until Ctrl-C.")
  boolean keep;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Sets a configuration key of the service.")
  Map<String, String> overrides = new LinkedHashMap<>();

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "60",
      description = "Give up after this time without any answer. Default: ${DEFAULT-VALUE}.")
  int timeoutSeconds;

  @Override
  public Integer call() throws IOException, InterruptedException, TimeoutException {
    requireInputs();
    GalleryFile photos = GalleryFile.read(Objects.requireNonNull(gallery), imageRoot);
    Path frames = Objects.requireNonNull(images);
    ImageFiles.below(frames); // an empty folder shows before the broker is up
    Path data = Files.createTempDirectory("shelfstream-demo");
    CountDownLatch done = endOnSignal();
    try (EmbeddedBroker broker = EmbeddedBroker.start(data)) {
      ShelfStreamConfig config = configuration(broker, frames, photos);
      System.err.println("Kafka broker at " + broker.bootstrapServers());
      try (RecognitionService service = RecognitionService.start(config);
          Demo demo = new Demo(config, out, Duration.ofSeconds(timeoutSeconds))) {
        demo.publishGallery(photos, service.gallery());
        List<Answer> answers = demo.recognizeFrames(frames);
        Report report = new Report(answers);
        System.err.println(report.summary());
        System.err.println("Report: " + report.write(out).toAbsolutePath());
        if (keep) {
          stayUp(demo, broker, frames);
        }
      }
    } finally {
      delete(data);
      done.countDown();
    }
    return 0;
  }

  /** Ctrl-C ends the waiting, and the JVM stays until everything is closed and cleared away. */
  private static CountDownLatch endOnSignal() {
    Thread demo = Thread.currentThread();
    CountDownLatch done = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  demo.interrupt();
                  try {
                    done.await(60, TimeUnit.SECONDS);
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                },
                "shutdown"));
    return done;
  }

  private void requireInputs() {
    String missing =
        Stream.of(
                models == null ? "--models DIR" : null,
                images == null ? "--images DIR" : null,
                gallery == null ? "--gallery FILE" : null)
            .filter(Objects::nonNull)
            .reduce((a, b) -> a + ", " + b)
            .orElse("");
    if (!missing.isEmpty()) {
      throw new UsageException(
          "demo needs " + missing + ": this version brings no models and pictures of its own yet");
    }
  }

  private ShelfStreamConfig configuration(EmbeddedBroker broker, Path frames, GalleryFile photos) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("kafka.bootstrap.servers", broker.bootstrapServers());
    settings.put("models.dir", String.valueOf(models));
    settings.put(
        "images.allowed.roots",
        frames.toAbsolutePath().normalize()
            + ","
            + photos.imageRoot().toAbsolutePath().normalize());
    settings.putAll(overrides);
    return ShelfStreamConfig.loadWithModels(null, settings);
  }

  private static void stayUp(Demo demo, EmbeddedBroker broker, Path frames) {
    String server = " --bootstrap-server " + broker.bootstrapServers();
    System.err.println("Still up; try these from another terminal, and stop with Ctrl-C:");
    System.err.println("  deploy/shelfstream gallery list" + server);
    System.err.println("  deploy/shelfstream gallery remove --product PRODUCT" + server);
    System.err.println("  deploy/shelfstream publish --camera c1 " + frames + server);
    System.err.println("  deploy/shelfstream watch" + server);
    demo.follow();
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      files.sorted(Comparator.reverseOrder()).forEach(f -> f.toFile().delete());
    }
  }
}
