@NullMarked
package io.shelfstream.gallery;

import org.jspecify.annotations.NullMarked;
