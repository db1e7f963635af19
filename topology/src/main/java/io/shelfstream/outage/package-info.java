/** Waiting for what is away for a while, a broker or a registry, and what the log says of it. */
@NullMarked
package io.shelfstream.outage;

import org.jspecify.annotations.NullMarked;
