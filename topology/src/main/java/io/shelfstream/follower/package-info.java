/**
 * The gallery of a vectors topic in this process: read at the start, kept up to date, built again
 * when following ends.
 */
@NullMarked
package io.shelfstream.follower;

import org.jspecify.annotations.NullMarked;
