/**
 * Photos of products become vectors: gallery updates in, vectors, statuses and dead letters out.
 */
@NullMarked
package io.shelfstream.embedding;

import org.jspecify.annotations.NullMarked;
