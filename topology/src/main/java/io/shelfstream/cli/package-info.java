/** The commands of the command line, one class each; {@code deploy/shelfstream} starts them. */
@NullMarked
package io.shelfstream.cli;

import org.jspecify.annotations.NullMarked;
