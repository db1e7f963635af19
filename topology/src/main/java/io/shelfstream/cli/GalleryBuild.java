package io.shelfstream.cli;

import io.shelfstream.client.GivenPhoto;
import io.shelfstream.client.UsageException;
import io.shelfstream.gallery.paddleclas.IndexDirectoryWriter;
import io.shelfstream.model.ModelDirectory;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "build",
    mixinStandardHelpOptions = true,
    description = {
      "Builds an index from photos, in a folder as PaddleClas's build_gallery leaves it; no broker and no service. 'recognize --index-dir' and 'serve --index-dir' read it, and so do PaddleClas's programs.",
      "",
      "An index that is there already is replaced when the new one is complete, and not before. A build that was cut off goes on where it was when the same command is given again.",
      "",
      "Photos that cannot be used are left out, listed and counted by reason; the index is written nevertheless, and the exit code is 1.",
      "",
      "Examples: photos in folders, a list of PaddleClas, a spreadsheet:",
      "  shelfstream gallery build --index-dir index photos/",
      "  shelfstream gallery build --index-dir index gallery.txt",
      "  shelfstream gallery build --index-dir index --rejects bad.csv table.csv",
      ""
    })
final class GalleryBuild extends GalleryIndexing {
  @Option(
      names = "--index-type",
      paramLabel = "TYPE",
      defaultValue = "HNSW32",
      description =
          "HNSW32, a graph, as PaddleClas's default; Flat, which compares with every photo; IVF, lists of similar photos, one for every eight; or another Faiss type, such as HNSW16 or IVF64,Flat. Default: ${DEFAULT-VALUE}. Models with match.metric=hamming get BHNSW32, BFlat or BIVF.")
  String indexType = "HNSW32";

  @Override
  IndexDirectoryWriter writer(ModelDirectory models) throws IOException {
    try {
      return IndexDirectoryWriter.create(
          indexDir, type(models), models.extractorDimension(), models.extractorId());
    } catch (IllegalArgumentException e) {
      throw new UsageException("--index-type: " + e.getMessage());
    }
  }

  /** An index of bits has a B in front, as PaddleClas builds it from the same name. */
  private String type(ModelDirectory models) {
    boolean named = indexType.startsWith("B");
    if (named && !models.features().areBits()) {
      throw new UsageException(
          "--index-type %s is for models with match.metric=hamming; give HNSW32, Flat or IVF"
              .formatted(indexType));
    }
    return models.features().areBits() && !named ? "B" + indexType : indexType;
  }

  @Override
  List<GivenPhoto> wanted(
      IndexDirectoryWriter writer, List<GivenPhoto> given, RejectedPhotos rejected) {
    return given;
  }
}
