package io.shelfstream.streams;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.config.Role;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.topology.RecognitionService;
import io.shelfstream.topology.TestTopics;
import java.awt.Color;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.stream.LongStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Wake-ups beside Kafka's real consumer: at the wrong moment they must do no harm. */
@ExtendWith(SharedBroker.class)
class WakeableClientsIT {
  private static final Duration LONG = Duration.ofSeconds(30);

  private final WakeableClients clients = new WakeableClients();
  private final EmbeddedBroker broker;
  private final String name;

  WakeableClientsIT(EmbeddedBroker broker, TestInfo test) {
    this.broker = broker;
    this.name = "WakeableClientsIT." + test.getTestMethod().orElseThrow().getName();
  }

  @Test
  void endsAPollThatWaits() throws Exception {
    TopicPartition partition = topic(1);
    try (Consumer<byte[], byte[]> consumer = clients.getConsumer(settings())) {
      consumer.subscribe(List.of(partition.topic()));
      until(consumer, () -> !consumer.assignment().isEmpty());
      Runnable wakeUp = clients.wakeUp();
      long began = System.nanoTime();
      CompletableFuture.delayedExecutor(300, TimeUnit.MILLISECONDS).execute(wakeUp);

      assertThat(consumer.poll(LONG)).isEmpty();

      assertThat(Duration.ofNanos(System.nanoTime() - began))
          .isBetween(Duration.ofMillis(250), Duration.ofSeconds(20));
    }
  }

  /**
   * Partitions are joined, records come, offsets are committed, partitions are taken away and
   * committed in the middle of a poll, all under a storm of wake-ups: each record comes once, and
   * nothing throws.
   */
  @Test
  void losesNothingHoweverOftenItIsWoken() throws Exception {
    int records = 20_000;
    TopicPartition partition = topic(2);
    AtomicBoolean over = new AtomicBoolean();
    try (Producer<byte[], byte[]> producer =
            clients.getProducer(Map.of("bootstrap.servers", broker.bootstrapServers()));
        Consumer<byte[], byte[]> consumer = clients.getConsumer(settings())) {
      CompletableFuture<Void> sending =
          CompletableFuture.runAsync(
              () -> {
                for (int i = 0; i < records; i++) {
                  producer.send(new ProducerRecord<>(name, i % 2, null, new byte[10]));
                  if (i % 500 == 0) {
                    pause(20);
                  }
                }
              });
      Map<Integer, List<Long>> seen = new HashMap<>();
      int[] taken = {0};
      consumer.subscribe(
          List.of(partition.topic()),
          new ConsumerRebalanceListener() {
            @Override
            public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
              taken[0]++;
              commit(consumer, partitions, seen);
            }

            @Override
            public void onPartitionsAssigned(Collection<TopicPartition> partitions) {}
          });
      consumer.poll(Duration.ZERO);
      Runnable wakeUp = clients.wakeUp();
      Thread storm =
          new Thread(
              () -> {
                for (int i = 0; !over.get(); i++) {
                  wakeUp.run();
                  if (i % 20 == 0) {
                    pause(1);
                  }
                }
              });
      storm.start();
      try {
        int polls = 0;
        int asked = 0;
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
        while ((count(seen) < records || taken[0] == 0) && System.nanoTime() < end) {
          for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(50))) {
            seen.computeIfAbsent(record.partition(), p -> new ArrayList<>()).add(record.offset());
          }
          if (++polls % 50 == 0) {
            commit(consumer, consumer.assignment(), seen);
            for (TopicPartition own : consumer.assignment()) {
              assertThat(consumer.position(own)).isEqualTo(next(own, seen));
            }
          }
          if (asked < 3 && count(seen) > records / 10 * (asked + 1)) {
            consumer.enforceRebalance();
            asked++;
          }
        }
        commit(consumer, Set.of(partition, new TopicPartition(name, 1)), seen);
      } finally {
        over.set(true);
        storm.join();
      }
      sending.get();

      for (List<Long> offsets : seen.values()) {
        assertThat(offsets)
            .containsExactlyElementsOf(LongStream.range(0, records / 2).boxed().toList());
      }
      assertThat(taken[0]).as("rebalances while it ran").isPositive();
    }
  }

  /** With a poll and a commit interval that would be noticed. */
  @Test
  void answersBeforeThePollAndTheCommitIntervalEnd(@TempDir Path folder, TestInfo test)
      throws Exception {
    TestTopics topics = new TestTopics(broker.bootstrapServers(), folder, test);
    ShelfStreamConfig config =
        topics.config(Map.of("kafka.poll.ms", "4000", "kafka.commit.interval.ms", "9000"));
    try (RecognitionService service = RecognitionService.start(config, Role.RECOGNIZE)) {
      topics.recognize(Color.RED); // waits until partitions were assigned, some polls long
      // An answer that is there before its frame is wholly taken keeps to the interval: seldom.
      List<Duration> took = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        long began = System.nanoTime();
        topics.recognize(Color.RED);
        took.add(Duration.ofNanos(System.nanoTime() - began));
      }
      assertThat(took)
          .filteredOn(t -> t.compareTo(Duration.ofSeconds(3)) < 0)
          .hasSizeGreaterThan(2);
      assertThat(service.isReady()).isTrue();
    }
  }

  private static void commit(
      Consumer<byte[], byte[]> consumer,
      Collection<TopicPartition> partitions,
      Map<Integer, List<Long>> seen) {
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    for (TopicPartition partition : partitions) {
      if (next(partition, seen) > 0) {
        offsets.put(partition, new OffsetAndMetadata(next(partition, seen)));
      }
    }
    if (!offsets.isEmpty()) {
      consumer.commitSync(offsets);
      assertThat(consumer.committed(offsets.keySet())).isEqualTo(offsets);
    }
  }

  private static long next(TopicPartition partition, Map<Integer, List<Long>> seen) {
    return seen.getOrDefault(partition.partition(), List.of()).size();
  }

  private static int count(Map<Integer, List<Long>> seen) {
    return seen.values().stream().mapToInt(List::size).sum();
  }

  private static void until(Consumer<byte[], byte[]> consumer, BooleanSupplier holds) {
    long end = System.nanoTime() + LONG.toNanos();
    while (!holds.getAsBoolean()) {
      assertThat(System.nanoTime()).isLessThan(end);
      consumer.poll(Duration.ofMillis(100));
    }
  }

  private static void pause(int millis) {
    try {
      TimeUnit.MILLISECONDS.sleep(millis);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private TopicPartition topic(int partitions) throws Exception {
    try (Admin admin = clients.getAdmin(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
      admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1))).all().get();
    }
    return new TopicPartition(name, 0);
  }

  private Map<String, Object> settings() {
    return Map.of(
        "bootstrap.servers",
        broker.bootstrapServers(),
        "group.id",
        name,
        "enable.auto.commit",
        false,
        "auto.offset.reset",
        "earliest",
        "max.poll.records",
        32);
  }
}
