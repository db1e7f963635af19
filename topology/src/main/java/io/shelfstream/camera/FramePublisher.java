package io.shelfstream.camera;

import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.ImageReference;
import io.shelfstream.messages.EventSerdes;
import io.shelfstream.outage.Deadline;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsOptions;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Publishes frames so that each is published once, whatever is killed. The frames of a transaction
 * and the name of the last one are committed together; the name stands beside the offset of that
 * frame, in a consumer group of the camera in which nobody consumes. Opening one ends what an
 * earlier publisher of the camera has begun, and shuts that out. Used by one thread.
 */
final class FramePublisher implements AutoCloseable {
  private final ShelfStreamConfig config;
  private final EventSerdes serdes;
  private final String topic;
  private final String camera;
  private final String group;
  private final KafkaProducer<byte[], byte[]> producer;

  /**
   * Waits until the broker says that no transaction of the camera is open.
   *
   * @throws KafkaException when it does not within 15 s, or refuses us
   */
  FramePublisher(ShelfStreamConfig config, EventSerdes serdes, String camera) {
    this.config = config;
    this.serdes = serdes;
    this.topic = config.topics().frames();
    this.camera = camera;
    this.group = topic + ".camera-" + camera;
    Map<String, Object> settings = new HashMap<>(config.kafka());
    settings.putIfAbsent("linger.ms", 0);
    settings.putIfAbsent("max.block.ms", 15_000);
    settings.putIfAbsent("request.timeout.ms", 10_000);
    settings.putIfAbsent("delivery.timeout.ms", 20_000);
    // A transaction that a killed agent left open holds up the readers of its partition.
    settings.putIfAbsent("transaction.timeout.ms", 10_000);
    settings.put("transactional.id", group);
    this.producer =
        new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    try {
      producer.initTransactions();
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /**
   * The name of the last frame that was published.
   *
   * @param agent whose names they are
   * @return empty when that agent has published none
   */
  String last(String agent) throws InterruptedException {
    Map<String, Object> settings = new HashMap<>(config.kafka());
    settings.put("default.api.timeout.ms", 15_000);
    settings.put("request.timeout.ms", 10_000);
    try (Admin admin = Admin.create(settings)) {
      String prefix = agent + " ";
      return admin
          .listConsumerGroupOffsets(
              group, new ListConsumerGroupOffsetsOptions().requireStable(true))
          .partitionsToOffsetAndMetadata()
          .get()
          .values()
          .stream()
          .filter(found -> found != null && found.metadata().startsWith(prefix))
          .map(found -> found.metadata().substring(prefix.length()))
          .max(String::compareTo)
          .orElse("");
    } catch (ExecutionException e) {
      throw new KafkaException(
          "The last published frame of " + camera + " cannot be read", e.getCause());
    }
  }

  /**
   * Publishes frames in this order, all or none.
   *
   * @param agent whose name the last one has
   * @throws KafkaException when it is not known whether they were published; another publisher
   *     finds out
   */
  void publish(List<ImageReference> frames, String agent, String last) throws InterruptedException {
    List<byte[]> values = new ArrayList<>();
    for (ImageReference frame : frames) {
      values.add(
          serdes
              .registry()
              .untilReachable(
                  () -> serdes.frames().serializer().serialize(topic, frame), Deadline.NONE));
    }
    byte[] key = camera.getBytes(StandardCharsets.UTF_8);
    producer.beginTransaction();
    Future<RecordMetadata> sent = null;
    for (byte[] value : values) {
      sent = producer.send(new ProducerRecord<>(topic, key, value));
    }
    if (sent != null) {
      RecordMetadata at = arrived(sent);
      producer.sendOffsetsToTransaction(
          Map.of(
              new TopicPartition(topic, at.partition()),
              new OffsetAndMetadata(at.offset() + 1, agent + " " + last)),
          new ConsumerGroupMetadata(group));
    }
    producer.commitTransaction();
  }

  private RecordMetadata arrived(Future<RecordMetadata> sent) throws InterruptedException {
    try {
      producer.flush();
      return sent.get();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof KafkaException failure
          ? failure
          : new KafkaException("Publishing failed", e.getCause());
    }
  }

  @Override
  public void close() {
    try {
      producer.close(java.time.Duration.ZERO);
    } catch (InterruptException e) {
      Thread.currentThread().interrupt();
    }
  }
}
