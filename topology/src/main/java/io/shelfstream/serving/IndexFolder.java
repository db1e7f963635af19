package io.shelfstream.serving;

import io.shelfstream.client.UsageException;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.detect.Profile;
import io.shelfstream.gallery.paddleclas.IndexDirectory;
import io.shelfstream.gallery.paddleclas.Labels;
import io.shelfstream.model.ModelDirectory;
import java.nio.file.Path;
import java.util.Optional;

/** An index directory that a user names, opened as the configuration wants it. */
public final class IndexFolder {
  private IndexFolder() {}

  /**
   * Opens it. The profile pp-shitu cuts labels as PaddleClas does.
   *
   * @param models what images are embedded with
   * @throws UsageException when its vectors are of another extractor, or have another dimension
   * @throws io.shelfstream.index.IndexException when it cannot be read
   */
  public static IndexDirectory open(
      Path directory, ShelfStreamConfig config, ModelDirectory models) {
    Labels labels =
        config.recognition().profile() == Profile.PP_SHITU ? Labels.FIRST_WORD : Labels.WHOLE;
    IndexDirectory index = IndexDirectory.open(directory, labels);
    try {
      requireSameExtractor(directory, index.extractor(), index.dimension(), models);
      requireSameMetric(directory, index.isBinary(), index.extractor(), models);
      return index;
    } catch (UsageException e) {
      index.close();
      throw e;
    }
  }

  /**
   * Refuses an index of bits where embeddings are none, and one of which nothing says that its
   * vectors are bits where embeddings are.
   *
   * @param isBinary whether the index keeps only bits
   * @param extractor of its vectors; empty when that is not known
   * @throws UsageException saying what to set
   */
  public static void requireSameMetric(
      Path directory, boolean isBinary, Optional<String> extractor, ModelDirectory models) {
    boolean bits = models.features().areBits();
    if (isBinary == bits || (bits && extractor.isPresent())) {
      return;
    }
    throw new UsageException(
        "%s is compared by %s, and the models in use by %s; set %s in their model.properties, or build it again"
            .formatted(
                directory,
                isBinary ? "Hamming distance" : "inner product",
                bits ? "Hamming distance" : "inner product",
                bits
                    ? "match.metric=IP and match.threshold"
                    : "match.metric=hamming and match.radius"));
  }

  /**
   * Refuses an index whose vectors cannot be compared with those of these models.
   *
   * @param extractor of its vectors; empty when that is not known
   * @param dimension values of its vectors
   * @throws UsageException naming both
   */
  public static void requireSameExtractor(
      Path directory, Optional<String> extractor, int dimension, ModelDirectory models) {
    if (dimension == models.extractorDimension()
        && extractor.orElse(models.extractorId()).equals(models.extractorId())) {
      return;
    }
    throw new UsageException(
        "%s holds vectors of %d values%s, and the extractor in use is %s with %d; give the models it was built with in --models, or build it again"
            .formatted(
                directory,
                dimension,
                extractor.map(" of "::concat).orElse(""),
                models.extractorId(),
                models.extractorDimension()));
  }
}
