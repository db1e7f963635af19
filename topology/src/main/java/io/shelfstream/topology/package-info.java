/** The program: how the parts are wired to topics, and the service that runs them. */
@NullMarked
package io.shelfstream.topology;

import org.jspecify.annotations.NullMarked;
