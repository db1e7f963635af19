package io.shelfstream.detect;

/**
 * One box as the detector gave it.
 *
 * @param score 0 to 1
 * @param x1 left edge in pixels of the source image; not clipped, may be negative, as are the
 *     others
 * @param y1 top edge
 * @param x2 right edge
 * @param y2 bottom edge
 */
public record Detection(float score, float x1, float y1, float x2, float y2) {}
