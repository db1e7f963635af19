/**
 * Recognises images: fetch, decode, detect, extract, search, decide. Knows nothing of Kafka; used
 * by the service and by the command {@code recognize}.
 */
@NullMarked
package io.shelfstream.recognition;

import org.jspecify.annotations.NullMarked;
