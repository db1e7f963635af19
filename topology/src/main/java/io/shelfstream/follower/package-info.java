/**
 * The gallery of a vectors topic: read at the start, kept in sync, built anew when following ends.
 */
@NullMarked
package io.shelfstream.follower;

import org.jspecify.annotations.NullMarked;
