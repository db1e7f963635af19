/** What stands in log lines beside their text, and how often a line may come. */
@NullMarked
package io.shelfstream.logging;

import org.jspecify.annotations.NullMarked;
