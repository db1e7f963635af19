@NullMarked
package io.shelfstream.evaluate;

import org.jspecify.annotations.NullMarked;
