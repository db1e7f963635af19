/**
 * Long checks: {@code deploy/bench stream, faults, gallery kills, freshness}. Not run by the tests.
 */
@NullMarked
package io.shelfstream.bench;

import org.jspecify.annotations.NullMarked;
