@NullMarked
package io.shelfstream.fetch;

import org.jspecify.annotations.NullMarked;
