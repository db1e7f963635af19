@NullMarked
package io.shelfstream.bench;

import org.jspecify.annotations.NullMarked;
