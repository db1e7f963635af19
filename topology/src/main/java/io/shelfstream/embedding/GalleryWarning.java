package io.shelfstream.embedding;

/** Warnings about a gallery photo. The names are codes that programs may rely on. */
enum GalleryWarning {
  /** The detector was asked for the product and found none. */
  NO_BODY,
  /** The detector was asked for the product and found more than one. */
  SEVERAL_BODIES,
  /** Too few pixels for the extractor. */
  TOO_SMALL,
  /** Little fine detail. */
  BLURRED,
  /** A nearly identical photo belongs to another product. */
  RESEMBLES_OTHER_PRODUCT,
  /** The product's other photos show something else. */
  UNLIKE_OWN_PRODUCT;

  /** The warning as written to a status: the code, and a sentence for this photo. */
  String because(String sentence) {
    return name() + ": " + sentence;
  }
}
