/**
 * How good models and a gallery are: photos of known products are looked up, and what they were
 * taken for is counted. Knows no Kafka.
 */
@NullMarked
package io.shelfstream.evaluate;

import org.jspecify.annotations.NullMarked;
