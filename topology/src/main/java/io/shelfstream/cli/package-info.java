@NullMarked
package io.shelfstream.cli;

import org.jspecify.annotations.NullMarked;
