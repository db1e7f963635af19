@NullMarked
package io.shelfstream;

import org.jspecify.annotations.NullMarked;
