@NullMarked
package io.shelfstream.cameras;

import org.jspecify.annotations.NullMarked;
