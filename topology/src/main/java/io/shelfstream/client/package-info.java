/**
 * The other side of the topics: publishes frames and gallery updates, reads what the service
 * answers. Commands and demo stand on it.
 */
@NullMarked
package io.shelfstream.client;

import org.jspecify.annotations.NullMarked;
