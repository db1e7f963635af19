package io.shelfstream.gallery;

/**
 * A gallery photo that resembles a query.
 *
 * @param score inner product of unit vectors, -1 to 1
 */
public record GalleryHit(GalleryEntry entry, float score) {}
