/**
 * From an image to what it shows: fetch, decode, detect, extract, search, decide. Knows nothing of
 * Kafka; the service, the command {@code recognize} and whoever else has an image come here.
 */
@NullMarked
package io.shelfstream.recognition;

import org.jspecify.annotations.NullMarked;
