/**
 * The asynchronous part of recognition: a frame record in, one event or one dead letter out (or
 * none for a frame that is skipped under overload and only counted), in order.
 */
@NullMarked
package io.shelfstream.frames;

import org.jspecify.annotations.NullMarked;
