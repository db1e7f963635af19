@NullMarked
package io.shelfstream.index;

import org.jspecify.annotations.NullMarked;
