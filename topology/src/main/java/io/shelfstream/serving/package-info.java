/**
 * What callers of the port see of the topics, or of a gallery without topics: photos, and events as
 * they come.
 */
@NullMarked
package io.shelfstream.serving;

import org.jspecify.annotations.NullMarked;
