/**
 * Avro records on the wire: the Confluent wire format, the schema registry behind it, and the same
 * records as JSON for people to read. Depends on Avro and kafka-clients only.
 */
@NullMarked
package io.shelfstream.registry;

import org.jspecify.annotations.NullMarked;
