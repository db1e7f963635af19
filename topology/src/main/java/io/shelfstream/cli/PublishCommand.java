package io.shelfstream.cli;

import io.shelfstream.client.EventProducer;
import io.shelfstream.client.ImageFiles;
import io.shelfstream.client.Progress;
import io.shelfstream.client.UsageException;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.ImageReference;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
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
  @Mixin ConfigOptions config = new ConfigOptions();

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
          "Id of the frame, for a single one. Default: the file's name and the time of publishing, so that each publishing is a new frame.")
  @Nullable String frameId;

  @Option(
      names = "--min-gallery-version",
      paramLabel = "N",
      description = "Answers from an older gallery are to be marked PARTIAL.")
  @Nullable Long minGalleryVersion;

  @Parameters(arity = "1..*", paramLabel = "URI|FILE|DIR", description = "What to publish.")
  List<String> sources = List.of();

  @Override
  public Integer call() throws IOException {
    List<String> uris = new ArrayList<>();
    for (String source : sources) {
      uris.addAll(uris(source));
    }
    if (frameId != null && uris.size() > 1) {
      throw new UsageException(
          "--frame-id names one frame, but " + uris.size() + " images were given; leave it out");
    }
    ShelfStreamConfig loaded = config.load();
    try (EventProducer producer = new EventProducer(loaded);
        Progress progress = new Progress("Publishing frames", uris.size())) {
      for (String uri : uris) {
        producer.send(loaded.topics().frames(), camera, producer.serdes().frames(), frame(uri));
        progress.step();
      }
    }
    System.out.println("published " + uris.size());
    return 0;
  }

  private ImageReference frame(String uri) {
    Instant now = Instant.now();
    return ImageReference.newBuilder()
        .setFrameId(frameId != null ? frameId : nameOf(uri) + "@" + now.toEpochMilli())
        .setCameraId(camera)
        .setUri(uri)
        .setCapturedAt(now)
        .setStoreId(store)
        .setRegions(List.of())
        .setMinGalleryVersion(minGalleryVersion)
        .setAttributes(Map.of())
        .build();
  }

  private static List<String> uris(String source) throws IOException {
    if (source.matches("(?i)[a-z][a-z0-9+.-]+:.*") && !Files.exists(Path.of(source))) {
      return List.of(source);
    }
    return ImageFiles.below(Path.of(source)).stream()
        .map(f -> f.toAbsolutePath().normalize().toUri().toString())
        .toList();
  }

  private static String nameOf(String uri) {
    if (uri.toLowerCase(Locale.ROOT).startsWith("data:")) {
      return "data";
    }
    String path = URI.create(uri).getPath();
    return path == null ? uri : path.substring(path.lastIndexOf('/') + 1);
  }
}
