package io.shelfstream.config;

/**
 * Thresholds of the warnings about gallery photos. The defaults were measured on 2640 photos of 81
 * products; docs/gallery.md has the figures, and {@code deploy/bench lint} repeats them.
 *
 * @param leastSide pixels of the crop's shorter side
 * @param leastSharpness as {@link io.shelfstream.image.Sharpness} measures it
 * @param twinScore inner product from which two photos count as nearly identical
 * @param ownScore inner product that a photo should reach with at least one photo of its own
 *     product
 */
public record LintRules(int leastSide, double leastSharpness, double twinScore, double ownScore) {}
