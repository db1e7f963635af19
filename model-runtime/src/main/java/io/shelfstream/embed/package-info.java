@NullMarked
package io.shelfstream.embed;

import org.jspecify.annotations.NullMarked;
