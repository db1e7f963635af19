@NullMarked
package io.shelfstream.image;

import org.jspecify.annotations.NullMarked;
