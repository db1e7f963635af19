package io.shelfstream.gallery;

import java.time.Duration;
import java.util.OptionalDouble;

/**
 * What a compaction of the gallery came to.
 *
 * @param photos moved
 * @param indexType Faiss factory string of the new segments
 * @param recall share of the 10 nearest photos that the new index finds, measured on a sample
 *     against comparing with every photo; empty when it compares with every photo itself, or took
 *     over the training of an index that was measured
 * @param duration from the cut to the swap; searches and changes went on meanwhile
 */
public record CompactionReport(
    int photos, String indexType, OptionalDouble recall, Duration duration) {}
