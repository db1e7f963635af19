package io.shelfstream.config;

import java.util.Optional;

/**
 * {@code gallery.*}: how photos become vectors.
 *
 * @param applicationId name of the embedding application; empty: derived from the vectors topic
 * @param lintSide minimum pixels of a photo's shorter side; empty: half of the extractor's input
 * @param lintSharpness minimum sharpness of a photo
 * @param lintTwinScore score from which photos of two products count as nearly identical
 * @param lintOwnScore minimum score with the other photos of the product; empty: half of the match
 *     threshold, because front and back of a product do not match either
 */
public record GallerySettings(
    Optional<String> applicationId,
    Optional<Integer> lintSide,
    float lintSharpness,
    float lintTwinScore,
    Optional<Float> lintOwnScore) {

  static GallerySettings from(Settings settings) {
    return new GallerySettings(
        settings.optional("gallery.application.id", Formats.topicName()),
        settings.optional("gallery.lint.side", Formats.wholeNumber(0, 10_000)),
        settings.get("gallery.lint.sharpness", "40", Formats.number(0, 100_000)),
        settings.get("gallery.lint.twin.score", "0.93", Formats.number(-1, 2)),
        settings.optional("gallery.lint.own.score", Formats.number(-1, 1)));
  }

  /** The rules for an extractor with this side of its square input, in pixels. */
  public LintRules lintRules(int inputSize, float matchThreshold) {
    return new LintRules(
        lintSide.orElse(inputSize / 2),
        lintSharpness,
        lintTwinScore,
        lintOwnScore.orElse(matchThreshold / 2));
  }
}
