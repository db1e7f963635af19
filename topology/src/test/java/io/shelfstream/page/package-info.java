/** The live page in a real browser. */
@NullMarked
package io.shelfstream.page;

import org.jspecify.annotations.NullMarked;
