/** What the process counts and measures of its own: every metric in one enum, with its meaning. */
@NullMarked
package io.shelfstream.metrics;

import org.jspecify.annotations.NullMarked;
