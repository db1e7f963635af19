package io.shelfstream.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.messages.SourcePosition;
import java.time.Duration;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.streams.errors.StreamsException;
import org.apache.kafka.streams.errors.TaskMigratedException;
import org.junit.jupiter.api.Test;

class FailedRecordsTest {
  private static final SourcePosition BAD = new SourcePosition("frames", 0, 7);
  private static final SourcePosition GOOD = new SourcePosition("frames", 0, 8);

  private final FailedRecords failed = new FailedRecords();

  @Test
  void setsARecordAsideTheSecondTimeItFails() {
    fail(BAD, new StreamsException(new NullPointerException()));
    assertThat(failed.tookNote()).isTrue();
    assertThat(failed.tookNote()).as("asked again").isFalse();
    assertThat(failed.setAside(BAD)).isEmpty();

    fail(BAD, new StreamsException(new NullPointerException()));
    assertThat(failed.setAside(BAD).orElseThrow().reason()).isEqualTo("INTERNAL_ERROR");
    assertThat(failed.setAside(BAD).orElseThrow().message())
        .contains("java.lang.NullPointerException");
    assertThat(failed.setAside(GOOD)).isEmpty();
  }

  @Test
  void takesSerialisersAndDeepRecursionForFaultsOfTheRecord() {
    fail(BAD, new StreamsException(new SerializationException("null of string")));
    assertThat(failed.tookNote()).isTrue();
    assertThatThrownBy(
            () ->
                failed.guard(
                    BAD,
                    () -> {
                      throw new StackOverflowError();
                    }))
        .isInstanceOf(StackOverflowError.class);
    assertThat(failed.setAside(BAD)).isPresent();
  }

  @Test
  void holdsNoRecordResponsibleForBrokersAndOtherInstances() {
    for (RuntimeException e :
        new RuntimeException[] {
          new StreamsException(new TimeoutException("broker")),
          new StreamsException(new KafkaException("transaction is in an error state")),
          new TaskMigratedException("fenced"),
          new StalledException("frames", 0, 7, Duration.ofSeconds(60)),
        }) {
      fail(BAD, e);
      fail(BAD, e);
      assertThat(failed.tookNote()).as(e.toString()).isFalse();
      assertThat(failed.setAside(BAD)).as(e.toString()).isEmpty();
    }
  }

  @Test
  void countsOutputsThatTheBrokerRefusesForWhatTheyHold() {
    failed.refused(BAD, new TimeoutException("broker"));
    failed.refused(
        GOOD,
        new InvalidRecordException(
            "Failed to append record because it was part of a batch which had one more more invalid records"));
    assertThat(failed.tookNote()).isFalse();

    failed.refused(BAD, new RecordTooLargeException());
    failed.refused(BAD, new InvalidRecordException("no key on a compacted topic"));
    assertThat(failed.setAside(BAD)).isPresent();
  }

  private void fail(SourcePosition source, RuntimeException with) {
    assertThatThrownBy(
            () ->
                failed.guard(
                    source,
                    () -> {
                      throw with;
                    }))
        .isSameAs(with);
  }
}
