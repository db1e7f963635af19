@NullMarked
package io.shelfstream.recognition;

import org.jspecify.annotations.NullMarked;
