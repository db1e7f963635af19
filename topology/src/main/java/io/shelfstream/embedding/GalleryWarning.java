package io.shelfstream.embedding;

/** Doubts about a gallery photo. The names are codes that programs may rely on. */
enum GalleryWarning {
  /** The detector was asked for the product and found none. */
  NO_BODY,
  /** The detector was asked for the product and found more than one. */
  SEVERAL_BODIES,
  /** Fewer pixels than the extractor can make something of. */
  TOO_SMALL,
  /** Little fine detail. */
  BLURRED,
  /** Nearly the same photo stands for another product already. */
  RESEMBLES_OTHER_PRODUCT,
  /** The product's other photos show something else. */
  UNLIKE_OWN_PRODUCT;

  /** As a status carries it: the code, and what it means here. */
  String because(String sentence) {
    return name() + ": " + sentence;
  }
}
