package io.shelfstream.cli;

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
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "publish",
    mixinStandardHelpOptions = true,
    description = {
      "Publishes image references on the frames topic.",
      "Files are published as file: URIs: the service must see them under the same path, below one of its images.allowed.roots."
    })
final class PublishCommand implements Callable<Integer> {
  @Mixin BrokerOptions config = new BrokerOptions();

  @Option(
      names = "--camera",
      required = true,
      paramLabel = "ID",
      description = "Camera the frames are of.")
  String camera = "";

  @Option(names = "--store", paramLabel = "ID", description = "Store the camera is in.")
  @Nullable String store;

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

  @Parameters(arity = "1..*", paramLabel = "URI|FILE|DIR", description = "What to publish.")
  List<String> sources = List.of();

  @Override
  public Integer call() throws IOException {
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
        .setStoreId(store)
        .setRegions(List.of())
        .setMinGalleryVersion(minGalleryVersion)
        .setAttributes(Map.of())
        .build();
  }
}
