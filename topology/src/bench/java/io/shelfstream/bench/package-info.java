/**
 * Benchmarks and long checks: {@code deploy/bench stream, faults, pipeline, freshness, gallery,
 * soak}. Not run by the tests.
 */
@NullMarked
package io.shelfstream.bench;

import org.jspecify.annotations.NullMarked;
