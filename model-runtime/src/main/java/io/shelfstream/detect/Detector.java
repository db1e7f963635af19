package io.shelfstream.detect;

import io.shelfstream.image.Image;
import java.util.List;

/** Finds the main bodies in images. Safe for use by several threads. */
public interface Detector extends AutoCloseable {

  /**
   * Finds objects in a batch of images.
   *
   * @return for each image, in the same order, every box the model gives, best score first, before
   *     any threshold of a {@link Profile}; possibly none
   * @throws io.shelfstream.model.ModelException when the session fails
   */
  List<List<Detection>> detect(List<Image> images);

  /**
   * The same detector for use beside other work: it keeps to the calling thread, which takes longer
   * for one image and gets more done in all. Closed with this one.
   */
  default Detector onOneThread() {
    return this;
  }

  @Override
  void close();
}
