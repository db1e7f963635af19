package io.shelfstream.evaluate;

import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * An evaluation and what it was made of: to be printed, written as JSON or shown as a page.
 *
 * @param gallery where the gallery came from, as the user named it; likewise queries
 * @param unreadable photos of either that were left out
 * @param notes what a reader should know of the lists, one sentence each
 * @param extractor name and hash; detector likewise, null without the detector
 * @param galleryProducts number of different labels
 */
public record Report(
    String gallery,
    int galleryPhotos,
    int galleryProducts,
    String queries,
    List<Unreadable> unreadable,
    List<String> notes,
    String extractor,
    @Nullable String detector,
    Settings settings,
    Evaluation evaluation) {

  public Report {
    unreadable = List.copyOf(unreadable);
    notes = List.copyOf(notes);
  }

  /** Whether queries went through the detector. */
  boolean isOfPipeline() {
    return detector != null;
  }

  /** A share for people. */
  static String percent(double share) {
    return Double.isNaN(share) ? "–" : String.format(Locale.ROOT, "%.1f %%", 100 * share);
  }

  /** A share that somebody gave, without zeros that say nothing. */
  static String given(double share) {
    return BigDecimal.valueOf(share).movePointRight(2).stripTrailingZeros().toPlainString() + " %";
  }

  /** A setting as the configuration wants it. */
  static String setting(float value) {
    return new BigDecimal(Float.toString(value)).stripTrailingZeros().toPlainString();
  }

  /** A number of things, in singular or plural. */
  static String count(long number, String what) {
    return number == 1 ? "1 " + what : number + " " + what + "s";
  }
}
