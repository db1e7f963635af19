package io.shelfstream.config;

/**
 * From where on a gallery photo is doubted. The defaults were measured on 2640 photos of 81
 * products; docs/gallery.md has the figures, and {@code deploy/bench lint} repeats them.
 *
 * @param leastSide pixels of the crop's shorter side
 * @param leastSharpness as {@link io.shelfstream.image.Sharpness} measures it
 * @param twinScore inner product from which on two photos count as nearly identical
 * @param ownScore inner product that a photo should reach with one of its own product's
 */
public record LintRules(int leastSide, double leastSharpness, double twinScore, double ownScore) {}
