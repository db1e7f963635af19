@NullMarked
package io.shelfstream.streams;

import org.jspecify.annotations.NullMarked;
