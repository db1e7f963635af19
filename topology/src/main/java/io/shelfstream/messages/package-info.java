/** The content of records: how it is read, written, limited in size, and refused. */
@NullMarked
package io.shelfstream.messages;

import org.jspecify.annotations.NullMarked;
