package io.shelfstream.embed;

import java.util.List;

/** Turns crops into embeddings. Safe for use by several threads. */
public interface FeatureExtractor extends AutoCloseable {

  /** Number of values in an embedding. */
  int dimension();

  /**
   * Embeds all crops, of one or of many images, in one batch.
   *
   * @return one embedding a crop, in the same order, each of unit length
   * @throws io.shelfstream.model.ModelException when the session fails
   */
  List<float[]> extract(List<Crop> crops);

  /**
   * The same extractor for use beside other work: it keeps to the calling thread, which takes
   * longer for one image and gets more done in all. Closed with this one.
   */
  default FeatureExtractor onOneThread() {
    return this;
  }

  @Override
  void close();
}
