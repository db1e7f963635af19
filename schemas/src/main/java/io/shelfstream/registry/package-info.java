/**
 * Avro records on the wire: the Confluent wire format, the schema registry behind it, and the same
 * records as JSON for people to read. Knows Avro, kafka-clients and an HTTP client.
 */
@NullMarked
package io.shelfstream.registry;

import org.jspecify.annotations.NullMarked;
