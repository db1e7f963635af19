/** Long checks of the gallery: {@code deploy/bench gallery}. Not run by the tests. */
@NullMarked
package io.shelfstream.bench;

import org.jspecify.annotations.NullMarked;
