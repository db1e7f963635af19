package io.shelfstream.cli;

import io.shelfstream.camera.AgentSettings;
import io.shelfstream.camera.CameraAgent;
import io.shelfstream.client.EventProducer;
import io.shelfstream.client.GivenImages;
import io.shelfstream.client.ImageIds;
import io.shelfstream.client.Progress;
import io.shelfstream.client.UsageException;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.ImageReference;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "publish",
    mixinStandardHelpOptions = true,
    description = {
      "Publishes image references on the frames topic: those given, or with --watch or --snapshot those that come, until Ctrl-C.",
      "Files are published as file: URIs: the service must see them under the same path, below one of its images.allowed.roots.",
      "",
      "Examples: shelfstream publish --camera c17 /frames/c17",
      "          shelfstream publish --camera c17 --watch /uploads/c17",
      "          shelfstream publish --camera c17 --snapshot http://10.0.0.7/snapshot.jpg --every 2s --store /frames"
    })
final class PublishCommand implements Callable<Integer> {
  @Mixin BrokerOptions config = new BrokerOptions();

  @Option(
      names = "--camera",
      required = true,
      paramLabel = "ID",
      description = "Camera the frames are of.")
  String camera = "";

  @Option(names = "--store-id", paramLabel = "ID", description = "Shop the camera is in.")
  @Nullable String shop;

  @Option(
      names = "--frame-id",
      paramLabel = "ID",
      description =
          "Id of the frame, for a single one. Default: the file's path and when it was changed last, or the URL without its secrets; published again, a picture is the same frame.")
  @Nullable String frameId;

  @Option(
      names = "--as-new",
      description =
          "Make each publishing a new frame: the time of publishing becomes part of the ids.")
  boolean asNew;

  @Option(
      names = "--min-gallery-version",
      paramLabel = "N",
      description = "Answers from an older gallery are to be marked PARTIAL.")
  @Nullable Long minGalleryVersion;

  @ArgGroup(
      exclusive = false,
      heading = "%nAs the agent of a camera, until Ctrl-C (docs/camera-agent.md):%n")
  @Nullable CameraOptions agent;

  @Parameters(arity = "0..*", paramLabel = "URI|FILE|DIR", description = "What to publish.")
  List<String> sources = List.of();

  @Override
  public Integer call() throws Exception {
    return agent == null ? publish() : film(agent);
  }

  private int film(CameraOptions options) throws IOException, InterruptedException {
    if (!sources.isEmpty() || frameId != null || asNew || minGalleryVersion != null) {
      throw new UsageException(
          "--watch and --snapshot take neither images nor --frame-id, --as-new and --min-gallery-version");
    }
    ShelfStreamConfig loaded = config.load();
    AgentSettings settings = options.settings(camera, shop, loaded);
    JsonLines.useIf(loaded.logFormat());
    CameraAgent running = CameraAgent.start(settings, loaded);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(running), "shutdown"));
    Throwable failure = running.awaitStop();
    running.close();
    if (failure != null) {
      throw new IllegalStateException(failure.getMessage(), failure);
    }
    return 0;
  }

  /** Without halt a JVM that was ended by a signal exits with 143. */
  private static void stop(CameraAgent running) {
    running.close();
    Runtime.getRuntime().halt(0);
  }

  private int publish() throws IOException {
    if (sources.isEmpty()) {
      throw new UsageException(
          "Nothing to publish; give images, or --watch DIR or --snapshot URL for those that come");
    }
    GivenImages images = new GivenImages(ImageIds::ofFrame);
    for (String source : sources) {
      images.add(source);
    }
    Map<String, String> uris = images.uris();
    if (frameId != null && uris.size() > 1) {
      throw new UsageException(
          "--frame-id names one frame, but " + uris.size() + " images were given; leave it out");
    }
    images.notes().forEach(note -> System.err.println("warning: " + note));
    ShelfStreamConfig loaded = BrokerOptions.awaitBroker(config.load());
    Instant now = Instant.now();
    try (EventProducer producer = new EventProducer(loaded);
        Progress progress = new Progress("Publishing frames", uris.size())) {
      for (Map.Entry<String, String> image : uris.entrySet()) {
        producer.send(
            loaded.topics().frames(),
            camera,
            producer.serdes().frames(),
            frame(id(image.getKey(), now), image.getValue()));
        progress.step();
      }
    }
    System.out.println("published " + uris.size());
    return 0;
  }

  private String id(String ofImage, Instant now) {
    if (frameId != null) {
      return frameId;
    }
    return asNew ? ofImage + "@" + now.toEpochMilli() : ofImage;
  }

  private ImageReference frame(String id, String uri) {
    return ImageReference.newBuilder()
        .setFrameId(id)
        .setCameraId(camera)
        .setUri(uri)
        .setCapturedAt(Instant.now())
        .setStoreId(shop)
        .setRegions(List.of())
        .setMinGalleryVersion(minGalleryVersion)
        .setAttributes(Map.of())
        .build();
  }
}
