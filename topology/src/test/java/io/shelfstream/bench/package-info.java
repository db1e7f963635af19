/** Long checks of the service: {@code deploy/bench stream, faults}. Not run by the tests. */
@NullMarked
package io.shelfstream.bench;

import org.jspecify.annotations.NullMarked;
