package io.shelfstream.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PollWakeUpTest {
  private static final TopicPartition PARTITION = new TopicPartition("t", 0);
  private static final Duration LONG = Duration.ofSeconds(10);

  private final MockConsumer<byte[], byte[]> consumer = new MockConsumer<>("earliest");
  private final AtomicInteger told = new AtomicInteger();
  private final PollWakeUp wakeUp =
      new PollWakeUp(
          () -> {
            told.incrementAndGet();
            consumer.wakeup();
          });

  @BeforeEach
  void assign() {
    consumer.assign(List.of(PARTITION));
    consumer.updateBeginningOffsets(Map.of(PARTITION, 0L));
  }

  @Test
  void endsThePollUnderWayAndTellsTheConsumerOnce() {
    consumer.schedulePollTask(
        () -> {
          wakeUp.wake();
          wakeUp.wake();
        });

    assertThat(poll(LONG)).isEmpty();
    assertThat(consumer.lastPollTimeout()).isEqualTo(LONG);
    assertThat(told).hasValue(1);
  }

  @Test
  void leavesTheConsumerAloneOutsideAPollAndDoesNotWaitInTheNext() {
    wakeUp.wake();

    assertThat(told).hasValue(0);
    poll(LONG);
    assertThat(consumer.lastPollTimeout()).isZero();
  }

  /** A timer that ran in the millisecond of the wake-up is due again one later. */
  @Test
  void looksAgainAMillisecondLater() {
    consumer.schedulePollTask(wakeUp::wake);
    poll(LONG);

    poll(LONG);
    assertThat(consumer.lastPollTimeout()).isEqualTo(Duration.ofMillis(1));
    poll(LONG);
    assertThat(consumer.lastPollTimeout()).isEqualTo(LONG);
    wakeUp.wake();
    poll(LONG);
    poll(Duration.ZERO);
    assertThat(consumer.lastPollTimeout()).isZero();
  }

  /** Woken when the poll has what it ends with, so that only the one after it can be ended. */
  private ConsumerRecords<byte[], byte[]> pollWokenTooLate(
      Supplier<ConsumerRecords<byte[], byte[]>> end) {
    return wakeUp.poll(
        LONG,
        limit -> {
          if (limit.isZero()) {
            return consumer.poll(limit);
          }
          wakeUp.wake();
          return end.get();
        });
  }

  @Test
  void takesBackWhatCameTooLateToEndThePoll() {
    ConsumerRecords<byte[], byte[]> records = pollWokenTooLate(this::arrives);

    assertThat(records).hasSize(1);
    assertThat(told).hasValue(1);
    assertThat(consumer.poll(Duration.ZERO)).as("nothing is left").isEmpty();
  }

  @Test
  void takesItBackAfterAFailureToo() {
    assertThatThrownBy(
            () ->
                pollWokenTooLate(
                    () -> {
                      throw new KafkaException("offset out of range");
                    }))
        .hasMessage("offset out of range");

    assertThat(poll(Duration.ZERO)).isEmpty();
  }

  @Test
  void leavesTheWakeUpsOfOthersAlone() {
    consumer.wakeup();

    assertThatThrownBy(() -> poll(LONG)).isInstanceOf(WakeupException.class);
    assertThatThrownBy(
            () ->
                wakeUp.undisturbed(
                    () -> {
                      throw new WakeupException();
                    }))
        .isInstanceOf(WakeupException.class);
  }

  /** As when partitions are taken away within a poll, and their offsets are committed. */
  @Test
  void doesNotDisturbACallWithinThePoll() {
    AtomicInteger commits = new AtomicInteger();
    consumer.schedulePollTask(
        () ->
            wakeUp.undisturbed(
                () -> {
                  wakeUp.wake();
                  assertThat(told).hasValue(0);
                  return commits.incrementAndGet();
                }));

    assertThat(poll(LONG)).as("ended once the call was through").isEmpty();
    assertThat(commits).hasValue(1);
    assertThat(told).hasValue(1);
  }

  @Test
  void beginsACallAnewThatMetAnEarlierWakeUp() {
    AtomicInteger commits = new AtomicInteger();
    consumer.schedulePollTask(
        () -> {
          wakeUp.wake();
          wakeUp.undisturbed(
              () -> {
                if (commits.incrementAndGet() == 1) {
                  consumer.poll(Duration.ZERO); // blocks, and throws what was pending
                }
                return commits;
              });
        });

    assertThat(poll(LONG)).isEmpty();
    assertThat(commits).hasValue(2);
    assertThat(poll(LONG)).isEmpty();
  }

  /** What Kafka says cannot be must not cost a record. */
  @Test
  void failsRatherThanLoseARecord() {
    assertThatThrownBy(
            () ->
                wakeUp.poll(
                    LONG,
                    limit -> {
                      wakeUp.wake();
                      return arrives();
                    }))
        .isInstanceOf(IllegalStateException.class);
  }

  private ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
    return wakeUp.poll(timeout, consumer::poll);
  }

  private ConsumerRecords<byte[], byte[]> arrives() {
    ConsumerRecord<byte[], byte[]> record =
        new ConsumerRecord<>("t", 0, 0, new byte[0], new byte[0]);
    return new ConsumerRecords<>(Map.of(PARTITION, List.of(record)), Map.of());
  }
}
