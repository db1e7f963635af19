@NullMarked
package io.shelfstream.broker;

import org.jspecify.annotations.NullMarked;
