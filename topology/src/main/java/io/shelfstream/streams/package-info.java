/**
 * Keeps Kafka Streams applications running: restarts, states, acknowledgements, early commits,
 * records that fail. Knows nothing of images.
 */
@NullMarked
package io.shelfstream.streams;

import org.jspecify.annotations.NullMarked;
