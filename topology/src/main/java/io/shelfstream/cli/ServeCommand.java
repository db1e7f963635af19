package io.shelfstream.cli;

import io.shelfstream.client.UsageException;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.serving.LocalService;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    description = {
      "Recognises images by HTTP and gRPC over a gallery of this process, without Kafka.",
      "Answers on http://127.0.0.1:8080 unless http.port and http.host say otherwise; /docs there shows the API.",
      "Photos that are added or removed by the API are gone when the process ends: export the gallery to keep it.",
      "",
      "Example: shelfstream serve --gallery photos/   with a folder for each product in photos/, then",
      "         curl --data-binary @shelf.jpg http://127.0.0.1:8080/api/recognize"
    })
final class ServeCommand implements Callable<Integer> {
  @Mixin ConfigOptions config = new ConfigOptions();

  @ArgGroup(multiplicity = "0..1")
  @Nullable GallerySource gallery;

  static final class GallerySource {
    @Option(
        names = "--gallery",
        paramLabel = "FILE|DIR",
        description =
            "Gallery file, 'relative/path<TAB>label' a line; a table (.csv) with columns path, label and maybe gtin; or a folder with a folder for each product. Default: no photos; add some by the API.")
    @Nullable Path photos;

    @Option(
        names = "--index-dir",
        paramLabel = "DIR",
        description =
            "Index that 'gallery build' or PaddleClas built: vector.index, id_map.pkl or id_map.txt; only read.")
    @Nullable Path indexDir;
  }

  @Option(
      names = "--image-root",
      paramLabel = "DIR",
      description =
          "Folder the paths in a gallery file are relative to. Default: the file's folder.")
  @Nullable Path imageRoot;

  @Option(
      names = "--models",
      paramLabel = "DIR",
      description = "Model directory (models.dir). Default: the bundled one.")
  @Nullable Path models;

  @Option(
      names = "--profile",
      paramLabel = "NAME",
      description = "shelf or pp-shitu (recognition.profile).")
  @Nullable String profile;

  @Option(
      names = "--port",
      paramLabel = "PORT",
      description = "Where it listens (http.port). Default: 8080; 0 for any that is free.")
  @Nullable String port;

  @Override
  public Integer call() throws IOException, InterruptedException {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("http.port", "8080");
    set("http.port", port);
    set("models.dir", models == null ? null : models.toString());
    set("recognition.profile", profile);
    GallerySource source = gallery == null ? new GallerySource() : gallery;
    if (imageRoot != null && source.photos == null) {
      throw new UsageException("--image-root is for the paths in --gallery; give both");
    }
    ShelfStreamConfig loaded = config.loadWithModels(settings);
    JsonLines.useIf(loaded.logFormat());
    LocalService service =
        LocalService.start(
            loaded,
            new LocalService.Source(
                Optional.ofNullable(source.photos),
                Optional.ofNullable(imageRoot),
                Optional.ofNullable(source.indexDir)));
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(service), "shutdown"));
    service.awaitStop();
    return 0;
  }

  private void set(String key, @Nullable String value) {
    if (value != null) {
      config.overrides.put(key, value);
    }
  }

  /** Without halt a JVM that was ended by a signal exits with 143. */
  private static void stop(LocalService service) {
    service.close();
    Runtime.getRuntime().halt(0);
  }
}
