@NullMarked
package io.shelfstream.serving;

import org.jspecify.annotations.NullMarked;
