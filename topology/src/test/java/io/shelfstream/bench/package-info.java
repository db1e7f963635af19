/** Long measurements that need the whole program; started by {@code deploy/bench}. */
@NullMarked
package io.shelfstream.bench;

import org.jspecify.annotations.NullMarked;
