@NullMarked
package io.shelfstream.messages;

import org.jspecify.annotations.NullMarked;
