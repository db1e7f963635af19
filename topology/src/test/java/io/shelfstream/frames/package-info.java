@NullMarked
package io.shelfstream.frames;

import org.jspecify.annotations.NullMarked;
