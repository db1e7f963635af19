/** The demo: a gallery and frames through a running service, and a report of the answers. */
@NullMarked
package io.shelfstream.demo;

import org.jspecify.annotations.NullMarked;
