@NullMarked
package io.shelfstream.topology;

import org.jspecify.annotations.NullMarked;
