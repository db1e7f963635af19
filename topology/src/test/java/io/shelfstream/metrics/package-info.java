@NullMarked
package io.shelfstream.metrics;

import org.jspecify.annotations.NullMarked;
