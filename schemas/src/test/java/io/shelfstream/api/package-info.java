@NullMarked
package io.shelfstream.api;

import org.jspecify.annotations.NullMarked;
