package io.shelfstream.index;

/** How two vectors are compared. */
public enum Metric {
  /** Larger is closer; equal to cosine similarity for unit vectors. */
  INNER_PRODUCT,
  /** Squared Euclidean distance; smaller is closer. */
  L2
}
