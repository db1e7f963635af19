/** What cameras have shown last: their newest events, and small pictures of the frames of these. */
@NullMarked
package io.shelfstream.cameras;

import org.jspecify.annotations.NullMarked;
