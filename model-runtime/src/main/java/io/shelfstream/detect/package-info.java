@NullMarked
package io.shelfstream.detect;

import org.jspecify.annotations.NullMarked;
