/**
 * Kafka Streams kept alive: restarts, deliveries, early commits, records that fail. Knows nothing
 * of images.
 */
@NullMarked
package io.shelfstream.streams;

import org.jspecify.annotations.NullMarked;
