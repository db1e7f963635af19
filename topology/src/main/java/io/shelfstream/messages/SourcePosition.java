package io.shelfstream.messages;

import org.apache.kafka.streams.processor.api.RecordMetadata;

/**
 * Where a record lies.
 *
 * @param offset -1 when Kafka Streams does not say, as in a timer
 */
public record SourcePosition(String topic, int partition, long offset) implements RecordMetadata {

  public static SourcePosition of(RecordMetadata record) {
    return new SourcePosition(record.topic(), record.partition(), record.offset());
  }

  @Override
  public String toString() {
    return topic + "-" + partition + " offset " + offset;
  }
}
