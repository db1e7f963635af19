/**
 * Benchmarks and long checks: {@code deploy/bench agent, stream, faults, pipeline, freshness,
 * gallery, s3, soak}. Not run by the tests.
 */
@NullMarked
package io.shelfstream.bench;

import org.jspecify.annotations.NullMarked;
