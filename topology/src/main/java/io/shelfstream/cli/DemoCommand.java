package io.shelfstream.cli;

import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.client.GalleryFile;
import io.shelfstream.client.GivenPhoto;
import io.shelfstream.client.ImageFiles;
import io.shelfstream.client.UsageException;
import io.shelfstream.config.Bundled;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.demo.Answer;
import io.shelfstream.demo.Demo;
import io.shelfstream.demo.GroundTruth;
import io.shelfstream.demo.Report;
import io.shelfstream.demo.Tally;
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
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    description = {
      "Runs the main job: starts a Kafka broker and the service in this process, publishes a gallery and frames, and prints one recognition event a line as JSON.",
      "Without options it uses the models, the gallery and the frames that come with ShelfStream.",
      "Annotated images and a report lie in --out afterwards. Everything but the events goes to standard error."
    })
final class DemoCommand implements Callable<Integer> {
  @Option(
      names = "--models",
      paramLabel = "DIR",
      description = "Model directory. Default: the bundled one.")
  @Nullable Path models;

  @Option(
      names = "--images",
      paramLabel = "DIR",
      description = "Frames to recognise. Default: the bundled ones.")
  @Nullable Path images;

  @Option(
      names = "--ground-truth",
      paramLabel = "FILE",
      description =
          "What stands on the frames, 'frame<TAB>label<TAB>x1<TAB>y1<TAB>x2<TAB>y2' a line; the demo then ends with how many it got right. Default: "
              + GroundTruth.FILE_NAME
              + " in --images, where there is one.")
  @Nullable Path groundTruth;

  @Option(
      names = "--gallery",
      paramLabel = "FILE",
      description = "Gallery file: 'relative/path<TAB>label' a line. Default: the bundled gallery.")
  @Nullable Path gallery;

  @Option(
      names = "--image-root",
      paramLabel = "DIR",
      description = "Folder the paths in --gallery are relative to. Default: the file's folder.")
  @Nullable Path imageRoot;

  @Option(names = "--out", defaultValue = "target/demo", description = "Default: ${DEFAULT-VALUE}.")
  Path out = Path.of("target/demo");

  @Option(
      names = "--keep",
      description =
          "Stay up afterwards, until Ctrl-C: the frames go on as those of cameras, for the page at the URL that is printed.")
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
    fillInWhatIsBundled();
    Path frames = Objects.requireNonNull(images);
    Path list = Objects.requireNonNull(gallery);
    GalleryFile photos = GalleryFile.read(list, imageRoot).withItsPhotos(list);
    ImageFiles.below(frames); // an empty folder is reported before the broker starts
    Optional<GroundTruth> truth = truth(frames);
    Path data = Files.createTempDirectory("shelfstream-demo");
    CountDownLatch done = endOnSignal();
    Runnable last;
    try (EmbeddedBroker broker = EmbeddedBroker.start(data)) {
      ShelfStreamConfig config = configuration(broker, frames, photos);
      System.err.println("Kafka broker at " + broker.bootstrapServers());
      try (RecognitionService service = RecognitionService.start(config);
          Demo demo = new Demo(config, out, Duration.ofSeconds(timeoutSeconds))) {
        demo.publishGallery(photos, service.gallery());
        List<Answer> answers = demo.recognizeFrames(frames);
        Report report =
            new Report(
                answers, truth.map(t -> Tally.lines(t, answers, labels(photos))).orElse(List.of()));
        Path index = report.write(out).toAbsolutePath();
        if (keep) {
          print(report, index);
          stayUp(demo, broker, service, frames);
          return 0;
        }
        last = () -> print(report, index); // behind what the log says of the stop
      }
    } finally {
      delete(data);
      done.countDown();
    }
    last.run();
    return 0;
  }

  private static void print(Report report, Path index) {
    System.err.println("Report: " + index);
    System.err.println(report.summary());
    report.tally().forEach(System.err::println);
  }

  /** Ctrl-C ends the wait; the JVM ends after everything is closed and deleted. */
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

  private void fillInWhatIsBundled() {
    images = images != null ? images : Bundled.demoFrames().orElse(null);
    gallery = gallery != null ? gallery : Bundled.demoGallery().orElse(null);
    String missing =
        Stream.of(images == null ? "--images DIR" : null, gallery == null ? "--gallery FILE" : null)
            .filter(Objects::nonNull)
            .collect(Collectors.joining(", "));
    if (!missing.isEmpty()) {
      throw new UsageException(
          "demo needs " + missing + ": none lies beside this program; deploy/demo brings its own");
    }
  }

  private Optional<GroundTruth> truth(Path frames) throws IOException {
    Path beside = frames.resolve(GroundTruth.FILE_NAME);
    if (groundTruth == null && !Files.exists(beside)) {
      return Optional.empty();
    }
    return Optional.of(GroundTruth.read(groundTruth == null ? beside : groundTruth));
  }

  private static Set<String> labels(GalleryFile photos) {
    return photos.photos().stream().map(GivenPhoto::label).collect(Collectors.toSet());
  }

  private ShelfStreamConfig configuration(EmbeddedBroker broker, Path frames, GalleryFile photos) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("kafka.bootstrap.servers", broker.bootstrapServers());
    settings.put("http.port", "0");
    if (models != null) {
      settings.put("models.dir", models.toString());
    }
    settings.put(
        "images.allowed.roots",
        frames.toAbsolutePath().normalize()
            + ","
            + photos.imageRoot().toAbsolutePath().normalize());
    settings.putAll(overrides);
    return ShelfStreamConfig.loadWithModels(null, settings);
  }

  private static void stayUp(
      Demo demo, EmbeddedBroker broker, RecognitionService service, Path frames)
      throws IOException {
    String server = " --bootstrap-server " + broker.bootstrapServers();
    service
        .httpPort()
        .ifPresent(
            port ->
                System.err.println(
                    "The frames go on as cameras; look at http://127.0.0.1:" + port + "/"));
    System.err.println("Still up; try these from another terminal, and stop with Ctrl-C:");
    System.err.println("  deploy/shelfstream gallery list" + server);
    System.err.println("  deploy/shelfstream gallery remove --product PRODUCT" + server);
    System.err.println("  deploy/shelfstream publish --camera c1 " + frames + server);
    System.err.println("  deploy/shelfstream watch" + server);
    service
        .httpPort()
        .ifPresent(
            port -> {
              String url = "http://127.0.0.1:" + port;
              System.err.println("  curl --data-binary @PHOTO " + url + "/api/recognize");
              System.err.println("  curl -N " + url + "/api/events");
              System.err.println(
                  "The whole API is shown at "
                      + url
                      + "/docs, metrics are at "
                      + url
                      + "/metrics.");
            });
    demo.follow(frames);
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      files.sorted(Comparator.reverseOrder()).forEach(f -> f.toFile().delete());
    }
  }
}
