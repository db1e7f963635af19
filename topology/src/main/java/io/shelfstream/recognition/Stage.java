package io.shelfstream.recognition;

import java.util.Locale;

/** The steps of the data path, in order; each names itself in dead letters and timings. */
public enum Stage {
  READ,
  FETCH,
  DECODE,
  DETECT,
  EXTRACT,
  SEARCH;

  /** As written to {@code shelf.error.stage}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
