package io.shelfstream.cli;

import io.shelfstream.client.GivenPhotos;
import io.shelfstream.client.UsageException;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.embedding.PhotoEmbedder;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.gallery.ProductSearch;
import io.shelfstream.gallery.paddleclas.IndexDirectory;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.model.Features;
import io.shelfstream.recognition.Annotations;
import io.shelfstream.recognition.ImageRecognition;
import io.shelfstream.recognition.LoadedModels;
import io.shelfstream.recognition.Recognition;
import io.shelfstream.recognition.RecognitionModels;
import io.shelfstream.recognition.RejectedException;
import io.shelfstream.recognition.Stage;
import io.shelfstream.recognition.StageTimes;
import io.shelfstream.registry.EventJson;
import io.shelfstream.serving.IndexFolder;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "recognize",
    mixinStandardHelpOptions = true,
    description = {
      "Recognises images in this process, without Kafka, through the same code as the service.",
      "Prints one line per image. Without a gallery it shows the boxes, all of them UNKNOWN.",
      "",
      "Examples: shelfstream recognize shelf.jpg --gallery gallery.tsv",
      "          shelfstream recognize photos/ --gallery gallery.tsv --format json --annotate out/",
      "          curl -s http://camera/snapshot | shelfstream recognize - --index-dir index/ --profile pp-shitu"
    })
final class RecognizeCommand implements Callable<Integer> {
  /** How a result is printed. */
  enum Format {
    SHITU,
    JSON,
    TEXT
  }

  @Mixin ConfigOptions config = new ConfigOptions();

  @Parameters(
      arity = "0..*",
      paramLabel = "IMAGE|DIR|URL",
      description =
          "Images, folders of images (with the folders inside, sorted by path), references such as http://…, or - for the bytes of one image on standard input.")
  List<String> images = List.of();

  @Option(
      names = "--list",
      paramLabel = "FILE",
      description =
          "Also the images that FILE lists, a path or reference a line; - for standard input.")
  @Nullable Path list;

  @Option(
      names = "--models",
      paramLabel = "DIR",
      description = "Model directory (models.dir). Default: the bundled one.")
  @Nullable Path models;

  @ArgGroup(multiplicity = "0..1")
  @Nullable GallerySource gallery;

  static final class GallerySource {
    @Option(
        names = "--gallery",
        paramLabel = "FILE|DIR",
        description =
            "Gallery file, 'relative/path<TAB>label' a line, a table .csv, or a folder with a folder for each product; the photos are embedded first.")
    @Nullable Path photos;

    @Option(
        names = "--index-dir",
        paramLabel = "DIR",
        description =
            "Index that 'gallery build' or PaddleClas built: vector.index, id_map.pkl or id_map.txt.")
    @Nullable Path indexDir;
  }

  @Option(
      names = "--image-root",
      paramLabel = "DIR",
      description = "Folder the paths in --gallery are relative to. Default: the file's folder.")
  @Nullable Path imageRoot;

  @Option(
      names = "--profile",
      paramLabel = "NAME",
      description = "shelf or pp-shitu (recognition.profile).")
  @Nullable String profile;

  @Option(
      names = "--format",
      description =
          "SHITU: known objects, as PaddleClas prints them, after the time of the detector; JSON: the event; TEXT: for people. Default: SHITU; TEXT without a gallery.")
  @Nullable Format format;

  @Option(
      names = "--annotate",
      paramLabel = "DIR",
      description = "Writes each image with its boxes there.")
  @Nullable Path annotate;

  @Option(
      names = "--embeddings",
      paramLabel = "FILE",
      description = "Writes the embedding of each object printed, one JSON line an image.")
  @Nullable Path embeddings;

  @Option(
      names = "--times",
      description =
          "Prints the mean milliseconds per stage to standard error; one image is run first to warm up.")
  boolean times;

  @Override
  public Integer call() throws IOException {
    List<String> named = named();
    ShelfStreamConfig loaded = config.loadWithModels(settings(named));
    if (imageRoot != null && (gallery == null || gallery.photos == null)) {
      throw new UsageException("--image-root is for the paths in --gallery; give both");
    }
    try (ImageFetcher fetcher = new ImageFetcher(loaded.images().fetchPolicy());
        LoadedModels sessions =
            LoadedModels.load(loaded.models().dir(), loaded.models().options())) {
      List<NamedImages.Named> files = NamedImages.of(named, fetcher, loaded.images().maxBytes());
      if (gallery != null && gallery.indexDir != null) {
        try (IndexDirectory index =
            IndexFolder.open(gallery.indexDir, loaded, sessions.directory())) {
          return recognize(loaded, sessions, index, files);
        }
      }
      try (Gallery filled =
          LocalGallery.empty(
              loaded.index().type(),
              sessions.directory().extractorDimension(),
              sessions.directory().extractorId())) {
        if (gallery != null && gallery.photos != null) {
          GivenPhotos given = GivenPhotos.read(List.of(gallery.photos), imageRoot, null);
          given.notes().forEach(note -> System.err.println("warning: " + note));
          LocalGallery.fill(
              filled,
              given.withItsPhotos(gallery.photos).photos(),
              new PhotoEmbedder(RecognitionModels.of(loaded, sessions, filled)));
        }
        return recognize(loaded, sessions, filled, files);
      }
    }
  }

  private List<String> named() throws IOException {
    List<String> named = new ArrayList<>(images);
    if (list != null) {
      named.addAll(NamedImages.listed(list));
    }
    if (named.isEmpty()) {
      throw new UsageException(
          list == null
              ? "recognize needs IMAGE|DIR|URL…, - for standard input, or --list FILE; see recognize --help"
              : "The list " + list + " names no images");
    }
    return named;
  }

  private Map<String, String> settings(List<String> named) {
    Map<String, String> settings = new LinkedHashMap<>();
    // Whoever types a reference means it; a service gets its references from others.
    settings.put("images.allowed.hosts", String.join(",", NamedImages.hosts(named)));
    settings.put("images.allowed.buckets", String.join(",", NamedImages.buckets(named)));
    settings.put("images.allow.private.addresses", "true");
    if (models != null) {
      settings.put("models.dir", models.toString());
    }
    if (profile != null) {
      settings.put("recognition.profile", profile);
    }
    return settings;
  }

  /** Returns 1 when an image could not be recognised; the others are printed nevertheless. */
  private int recognize(
      ShelfStreamConfig loaded,
      LoadedModels sessions,
      ProductSearch products,
      List<NamedImages.Named> images)
      throws IOException {
    RecognitionModels models = RecognitionModels.of(loaded, sessions, products);
    ImageRecognition recognition = new ImageRecognition(models);
    RecognitionEvents events = new RecognitionEvents(models.profile().name(), Clock.systemUTC());
    List<StageTimes> spent = new ArrayList<>();
    int failed = 0;
    try (Outputs outputs = new Outputs(annotate, embeddings)) {
      if (times) {
        warmUp(recognition, images.get(0));
      }
      for (NamedImages.Named image : images) {
        try {
          byte[] encoded = image.source().read();
          Recognition seen = recognition.recognize(encoded, List.of(), new StageTimes());
          spent.add(seen.times());
          RecognitionEvent event =
              events.of(
                  RecognitionEvents.reference("local", image.name(), image.uri(), image.taken()),
                  seen,
                  System.currentTimeMillis());
          System.out.println(text(seen, event, sessions.directory().features()));
          outputs.write(image.name(), encoded, seen, event);
        } catch (RejectedException e) {
          System.err.printf("%s: %s: %s%n", image.name(), e.reason(), e.message());
          failed++;
        }
      }
    }
    if (times) {
      System.err.println(summary(spent));
    }
    return failed == 0 ? 0 : 1;
  }

  private static void warmUp(ImageRecognition recognition, NamedImages.Named image)
      throws IOException {
    try {
      recognition.recognize(image.source().read(), List.of(), new StageTimes());
    } catch (RejectedException e) {
      // Reported when this image is processed.
    }
  }

  private String text(Recognition seen, RecognitionEvent event, Features features) {
    Format chosen = format != null ? format : gallery == null ? Format.TEXT : Format.SHITU;
    return switch (chosen) {
      case SHITU ->
          ShituText.inference(seen) + System.lineSeparator() + ShituText.write(seen, features);
      case JSON -> EventJson.toJson(event);
      case TEXT -> EventText.write(event);
    };
  }

  private static String summary(List<StageTimes> spent) {
    int n = Math.max(1, spent.size());
    String stages =
        Arrays.stream(Stage.values())
            .map(
                s ->
                    String.format(
                        Locale.ROOT,
                        "%s %.2f",
                        s.label(),
                        spent.stream().mapToDouble(t -> t.of(s)).sum() / n))
            .collect(Collectors.joining(" "));
    double total = spent.stream().mapToDouble(StageTimes::total).sum() / n;
    return String.format(
        Locale.ROOT, "images %d total %.1f ms/img | %s", spent.size(), total, stages);
  }

  /** The files that a run can write in addition to its output. */
  private record Outputs(@Nullable Path annotate, @Nullable PrintWriter embeddings)
      implements AutoCloseable {

    Outputs(@Nullable Path annotateDir, @Nullable Path embeddingsFile) throws IOException {
      this(
          annotateDir == null ? null : Files.createDirectories(annotateDir),
          embeddingsFile == null
              ? null
              : new PrintWriter(Files.newBufferedWriter(embeddingsFile, StandardCharsets.UTF_8)));
    }

    void write(String name, byte[] encoded, Recognition seen, RecognitionEvent event)
        throws IOException {
      if (annotate != null) {
        Path target = annotate.resolve(name);
        Files.createDirectories(target.toAbsolutePath().getParent());
        Files.write(target, Annotations.draw(encoded, event));
      }
      if (embeddings != null) {
        embeddings.println(ShituText.embeddings(name, seen));
      }
    }

    @Override
    public void close() {
      if (embeddings != null) {
        embeddings.close();
      }
    }
  }
}
