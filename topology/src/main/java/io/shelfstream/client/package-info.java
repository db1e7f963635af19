/**
 * The other side of the topics: publishes frames and gallery updates, reads the answers of the
 * service. Used by commands and demo.
 */
@NullMarked
package io.shelfstream.client;

import org.jspecify.annotations.NullMarked;
