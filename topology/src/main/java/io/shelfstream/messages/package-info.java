/** What stands in records: how events are read, written, bounded and refused. */
@NullMarked
package io.shelfstream.messages;

import org.jspecify.annotations.NullMarked;
