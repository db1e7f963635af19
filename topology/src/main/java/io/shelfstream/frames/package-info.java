/**
 * The asynchronous part of recognition: a frame record in, one event or one dead letter out, in
 * order.
 */
@NullMarked
package io.shelfstream.frames;

import org.jspecify.annotations.NullMarked;
