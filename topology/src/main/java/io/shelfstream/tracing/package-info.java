/** Spans of frames, photos and images, for OpenTelemetry. */
@NullMarked
package io.shelfstream.tracing;

import org.jspecify.annotations.NullMarked;
