package io.shelfstream.index;

/**
 * One hit of a search.
 *
 * @param score inner product or squared distance, as the index's {@link Metric} says
 */
public record Neighbor(long id, float score) {}
