@NullMarked
package io.shelfstream.follower;

import org.jspecify.annotations.NullMarked;
