package io.shelfstream.cli;

import io.shelfstream.client.GivenPhoto;
import io.shelfstream.client.GivenPhotos;
import io.shelfstream.client.OneLine;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.embedding.PhotoEmbedder;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.gallery.paddleclas.IndexDirectoryWriter;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.recognition.LoadedModels;
import io.shelfstream.recognition.RecognitionModels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What building an index directory and appending to one have in common; no broker is needed. */
abstract class GalleryIndexing implements Callable<Integer> {
  @Mixin ConfigOptions config = new ConfigOptions();

  @Option(
      names = "--index-dir",
      required = true,
      paramLabel = "DIR",
      description = "Folder of the index: vector.index, id_map.pkl and id_map.txt.")
  Path indexDir = Path.of("");

  @Option(
      names = "--models",
      paramLabel = "DIR",
      description = "Model directory (models.dir). Default: the bundled one.")
  @Nullable Path models;

  @Option(
      names = "--image-root",
      paramLabel = "DIR",
      description =
          "Folder that the paths in a list or table are relative to. Default: the folder of the list.")
  @Nullable Path imageRoot;

  @Option(
      names = "--delimiter",
      paramLabel = "TEXT",
      description =
          "Between path and label of a list, or between the columns of a table. Default: a tab in a list; in a table what its first line has.")
  @Nullable String delimiter;

  @Option(
      names = "--rejects",
      paramLabel = "FILE.csv",
      description =
          "Writes the photos that could not be used there, with the reason. Mend them, and give the file to 'gallery append', with --image-root where the photos lie elsewhere.")
  @Nullable Path rejects;

  @Parameters(
      arity = "1..*",
      paramLabel = "DIR|LIST|TABLE.csv",
      description = {
        "DIR: a folder that holds a folder for each product, called after it.",
        "LIST: a gallery list as PaddleClas has it, 'relative/path<TAB>label' a line; labels may hold spaces.",
        "TABLE.csv: a spreadsheet saved as CSV UTF-8; its first line names the columns: path, label, and maybe gtin."
      })
  List<Path> sources = List.of();

  @Override
  public Integer call() throws IOException {
    GivenPhotos given = GivenPhotos.read(sources, imageRoot, delimiter);
    given.notes().forEach(note -> System.err.println("warning: " + OneLine.of(note)));
    ShelfStreamConfig loaded =
        config.loadWithModels(models == null ? Map.of() : Map.of("models.dir", models.toString()));
    ModelDirectory directory = ModelDirectory.read(loaded.models().dir());
    try (IndexDirectoryWriter writer = writer(directory);
        LoadedModels sessions =
            LoadedModels.load(loaded.models().dir(), loaded.models().options());
        Gallery none =
            LocalGallery.empty("Flat", directory.extractorDimension(), directory.extractorId())) {
      RejectedPhotos rejected = new RejectedPhotos();
      List<GivenPhoto> wanted = wanted(writer, given.photos(), rejected);
      int unchanged = given.photos().size() - wanted.size() - rejected.size();
      PhotoIndexer indexer =
          new PhotoIndexer(
              writer,
              new PhotoEmbedder(RecognitionModels.of(loaded, sessions, none)),
              loaded.images().limits().maxBytes(),
              loaded.models().options().threads(),
              rejected);
      int added = indexer.add(wanted);
      return finish(writer, added, unchanged, rejected);
    }
  }

  /** Begins the change, after looking whether the models fit. */
  abstract IndexDirectoryWriter writer(ModelDirectory models) throws IOException;

  /** The photos that are not in the index yet; one that cannot be added is rejected. */
  abstract List<GivenPhoto> wanted(
      IndexDirectoryWriter writer, List<GivenPhoto> given, RejectedPhotos rejected);

  private int finish(IndexDirectoryWriter writer, int added, int unchanged, RejectedPhotos rejected)
      throws IOException {
    String outcome = indexDir + " is as it was";
    if (added > 0) {
      System.err.println("Writing the index");
      outcome = "%s now has %d photos".formatted(indexDir, writer.finish());
    }
    rejected.print();
    System.out.printf(
        "added %d, unchanged %d, %s; %s%n", added, unchanged, rejected.summary(), outcome);
    if (rejects != null) {
      rejected.writeTo(rejects);
    }
    return rejected.isEmpty() ? 0 : 1;
  }
}
