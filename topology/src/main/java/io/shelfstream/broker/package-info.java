/** Kafka itself: one broker in this JVM, and the topics on any broker. */
@NullMarked
package io.shelfstream.broker;

import org.jspecify.annotations.NullMarked;
