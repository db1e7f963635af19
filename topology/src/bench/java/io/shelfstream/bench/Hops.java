package io.shelfstream.bench;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.clients.consumer.ConsumerInterceptor;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.ProducerInterceptor;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * When records of the gallery passed the Kafka clients of a service in this process, in
 * milliseconds of its clock. The clients make the interceptors themselves; hence all is static.
 */
final class Hops {
  private static final Map<String, Double> CONSUMED = new ConcurrentHashMap<>();
  private static final Map<String, Double> ACKNOWLEDGED = new ConcurrentHashMap<>();
  private static final Map<String, String> PLACES = new ConcurrentHashMap<>();

  private Hops() {}

  /** Settings of a service that is to be watched. */
  static Map<String, String> settings() {
    return Map.of(
        "kafka.main.consumer.interceptor.classes", Consumed.class.getName(),
        "kafka.global.consumer.interceptor.classes", Consumed.class.getName(),
        "kafka.producer.interceptor.classes", Acknowledged.class.getName());
  }

  static double now() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1e3 + now.getNano() / 1e6;
  }

  /** Where a record lies. */
  static String place(String topic, int partition, long offset) {
    return topic + "-" + partition + "@" + offset;
  }

  /** Where the last consumed record of a topic with this key lies. */
  static String place(String topic, String key) {
    String place = PLACES.get(topic + "/" + key);
    if (place == null) {
      throw new IllegalStateException("no record of '" + key + "' was consumed from " + topic);
    }
    return place;
  }

  /** When the service's consumer had a record. */
  static double consumed(String place) {
    return at(CONSUMED, place);
  }

  /** When the broker had told the service that it has a record. */
  static double acknowledged(String place) {
    return at(ACKNOWLEDGED, place);
  }

  private static double at(Map<String, Double> times, String place) {
    Double time = times.get(place);
    if (time == null) {
      throw new IllegalStateException("no client of the service had " + place);
    }
    return time;
  }

  static void clear() {
    CONSUMED.clear();
    ACKNOWLEDGED.clear();
    PLACES.clear();
  }

  /** Made by the consumers. */
  public static final class Consumed implements ConsumerInterceptor<byte[], byte[]> {
    @Override
    public ConsumerRecords<byte[], byte[]> onConsume(ConsumerRecords<byte[], byte[]> records) {
      double now = now();
      records.forEach(
          record -> {
            String place = place(record.topic(), record.partition(), record.offset());
            CONSUMED.put(place, now);
            if (record.key() != null) {
              String key = new String(record.key(), StandardCharsets.UTF_8);
              PLACES.put(record.topic() + "/" + key, place);
            }
          });
      return records;
    }

    @Override
    public void onCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {}

    @Override
    public void close() {}

    @Override
    public void configure(Map<String, ?> settings) {}
  }

  /** Made by the producers. */
  public static final class Acknowledged implements ProducerInterceptor<byte[], byte[]> {
    @Override
    public ProducerRecord<byte[], byte[]> onSend(ProducerRecord<byte[], byte[]> record) {
      return record;
    }

    @Override
    public void onAcknowledgement(@Nullable RecordMetadata sent, @Nullable Exception failure) {
      if (sent != null && failure == null) {
        ACKNOWLEDGED.put(place(sent.topic(), sent.partition(), sent.offset()), now());
      }
    }

    @Override
    public void close() {}

    @Override
    public void configure(Map<String, ?> settings) {}
  }
}
