package io.shelfstream.cli;

import io.shelfstream.client.GivenPhoto;
import io.shelfstream.client.OneLine;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.gallery.paddleclas.IndexDirectoryWriter;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.serving.IndexFolder;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;

@Command(
    name = "append",
    mixinStandardHelpOptions = true,
    description = {
      "Adds photos to an index that 'gallery build' or PaddleClas built; no broker and no service.",
      "",
      "A photo that is there under the same path and label is left out and counted as unchanged, so the whole list may be given again: only what is new is embedded. To replace a photo, remove it first. Ids go on after the largest that was ever used.",
      "",
      "The models must be those that the index was built with. PaddleClas's folders do not say which that were: a warning is printed.",
      "",
      "Example:",
      "  shelfstream gallery append --index-dir index photos/",
      ""
    })
final class GalleryAppend extends GalleryIndexing {
  @Override
  IndexDirectoryWriter writer(ModelDirectory models) throws IOException {
    IndexDirectoryWriter writer = IndexDirectoryWriter.change(indexDir);
    try {
      requireSameModels(writer, models);
      return writer;
    } catch (RuntimeException e) {
      writer.close();
      throw e;
    }
  }

  private void requireSameModels(IndexDirectoryWriter writer, ModelDirectory models) {
    IndexFolder.requireSameExtractor(indexDir, writer.extractor(), writer.dimension(), models);
    IndexFolder.requireSameMetric(indexDir, writer.isBinary(), writer.extractor(), models);
    if (writer.extractor().isEmpty()) {
      System.err.printf(
          "warning: nothing says which extractor made the vectors in %s; they are taken for those of %s%n",
          indexDir, models.extractorId());
      writer.madeBy(models.extractorId());
    }
  }

  @Override
  List<GivenPhoto> wanted(
      IndexDirectoryWriter writer, List<GivenPhoto> given, RejectedPhotos rejected) {
    Map<String, String> labels = new HashMap<>();
    for (GalleryEntry photo : writer.photos()) {
      labels.put(photo.galleryImageId(), photo.label());
    }
    List<GivenPhoto> wanted = new ArrayList<>();
    for (GivenPhoto photo : given) {
      String label = labels.get(photo.id());
      if (label == null) {
        wanted.add(photo);
      } else if (!label.equals(photo.label())) {
        rejected.add(
            photo,
            "OTHER_LABEL",
            "it is in the index as '%s'; remove it there first, or give it another path"
                .formatted(OneLine.of(label)));
      }
    }
    return wanted;
  }
}
