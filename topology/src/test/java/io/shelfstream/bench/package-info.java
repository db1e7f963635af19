/**
 * Long checks: {@code deploy/bench stream, faults, pipeline, freshness, gallery kills}. Not run by
 * the tests.
 */
@NullMarked
package io.shelfstream.bench;

import org.jspecify.annotations.NullMarked;
