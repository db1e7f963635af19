@NullMarked
package io.shelfstream.registry;

import org.jspecify.annotations.NullMarked;
