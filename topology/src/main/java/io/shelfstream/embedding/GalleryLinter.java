package io.shelfstream.embedding;

import io.shelfstream.config.LintRules;
import io.shelfstream.follower.InFlightPhotos;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.gallery.GalleryHit;
import io.shelfstream.gallery.ProductSearch;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Checks photos as they are embedded, and warns of what may go wrong with them in recognition. It
 * rejects nothing. Safe for several threads.
 */
public final class GalleryLinter {

  /**
   * Neighbours searched for a photo of another product: more than most products have similar
   * photos.
   */
  private static final int NEIGHBOURS = 16;

  /** As {@link io.shelfstream.gallery.Gallery#resemblance}. */
  public interface Resemblance {
    OptionalDouble best(float[] embedding, String productId, String galleryImageId);
  }

  private final LintRules rules;
  private final ProductSearch gallery;
  private final Resemblance resemblance;
  private final InFlightPhotos inFlight;

  /**
   * @param gallery some milliseconds behind what is embedded here
   * @param resemblance of the same gallery
   * @param inFlight photos that the gallery does not have yet
   */
  public GalleryLinter(
      LintRules rules, ProductSearch gallery, Resemblance resemblance, InFlightPhotos inFlight) {
    this.rules = rules;
    this.gallery = gallery;
    this.resemblance = resemblance;
    this.inFlight = inFlight;
  }

  /** The warnings for a photo of a product; empty when there are none. */
  public List<String> lint(String galleryImageId, String productId, PhotoEmbedder.Embedded photo) {
    List<String> warnings = new ArrayList<>();
    lintBodies(photo, warnings);
    lintPixels(photo, warnings);
    twin(galleryImageId, productId, photo.embedding()).ifPresent(warnings::add);
    stranger(galleryImageId, productId, photo.embedding()).ifPresent(warnings::add);
    return warnings;
  }

  private static void lintBodies(PhotoEmbedder.Embedded photo, List<String> warnings) {
    int bodies = photo.bodies().orElse(1);
    if (bodies == 0) {
      warnings.add(
          GalleryWarning.NO_BODY.because(
              "the detector found no product, so the whole photo was embedded; crop it, or publish it without detect"));
    } else if (bodies > 1) {
      warnings.add(
          GalleryWarning.SEVERAL_BODIES.because(
              "the detector found %d products and the best one was embedded; crop the photo to the right one"
                  .formatted(bodies)));
    }
  }

  private void lintPixels(PhotoEmbedder.Embedded photo, List<String> warnings) {
    int width = photo.box().width();
    int height = photo.box().height();
    if (Math.min(width, height) < rules.leastSide()) {
      warnings.add(
          GalleryWarning.TOO_SMALL.because(
              "%d x %d pixels show the product, and the extractor wants %d at the shorter side; take a closer photo"
                  .formatted(width, height, rules.leastSide())));
    }
    if (photo.sharpness() < rules.leastSharpness()) {
      warnings.add(
          GalleryWarning.BLURRED.because(
              number(
                  "sharpness is %.0f and should be %.0f or more; hold the camera still and focus on the product",
                  photo.sharpness(), rules.leastSharpness())));
    }
  }

  private Optional<String> twin(String id, String productId, float[] embedding) {
    Optional<String> here =
        inFlight.photos().stream()
            .filter(other -> isOther(other.entry(), id, productId))
            .filter(other -> other.score(embedding) >= rules.twinScore())
            .findFirst()
            .map(other -> twin(other.entry(), other.score(embedding)));
    return here.isPresent()
        ? here
        : gallery.search(List.of(embedding), NEIGHBOURS).hits().get(0).stream()
            .filter(hit -> isOther(hit.entry(), id, productId))
            .filter(hit -> hit.score() >= rules.twinScore())
            .findFirst()
            .map((GalleryHit hit) -> twin(hit.entry(), hit.score()));
  }

  private static boolean isOther(GalleryEntry entry, String id, String productId) {
    return !entry.productId().equals(productId) && !entry.galleryImageId().equals(id);
  }

  private static String twin(GalleryEntry other, double score) {
    return GalleryWarning.RESEMBLES_OTHER_PRODUCT.because(
        number(
            "nearly identical (%.3f) to photo '%s' of product '%s'; the two will be confused: remove the wrong one",
            score, other.galleryImageId(), other.productId()));
  }

  private Optional<String> stranger(String id, String productId, float[] embedding) {
    OptionalDouble here =
        inFlight.photos().stream()
            .filter(other -> other.entry().productId().equals(productId))
            .filter(other -> !other.entry().galleryImageId().equals(id))
            .mapToDouble(other -> other.score(embedding))
            .max();
    OptionalDouble there = resemblance.best(embedding, productId, id);
    if (here.isEmpty() && there.isEmpty()) {
      return Optional.empty();
    }
    double best = Math.max(here.orElse(-1), there.orElse(-1));
    return best >= rules.ownScore()
        ? Optional.empty()
        : Optional.of(
            GalleryWarning.UNLIKE_OWN_PRODUCT.because(
                number(
                    "scores %.3f at best with the other photos of product '%s', and %.3f is the least expected; check that it shows this product",
                    best, productId, rules.ownScore())));
  }

  private static String number(String sentence, Object... values) {
    return String.format(Locale.ROOT, sentence, values);
  }
}
