package io.shelfstream.streams;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

class ReadProgressTest {
  private static final TopicPartition AT = new TopicPartition("frames", 3);

  private final ReadProgress progress = new ReadProgress();
  private final ReadProgress.Interceptor consumer = new ReadProgress.Interceptor();
  private final ReadProgress.Partition partition = progress.open(AT.topic(), AT.partition());
  private final Lag.Standing standing = new Lag.Standing(partition);

  ReadProgressTest() {
    consumer.configure(Map.of(ReadProgress.CONFIG, progress));
  }

  private void returned(long next, long... offsets) {
    List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
    for (long offset : offsets) {
      records.add(new ConsumerRecord<>(AT.topic(), AT.partition(), offset, null, null));
    }
    consumer.onConsume(
        new ConsumerRecords<>(
            records.isEmpty() ? Map.of() : Map.of(AT, records),
            Map.of(AT, new OffsetAndMetadata(next))));
  }

  @Test
  void beforeAnythingIsReadItCountsFromWhereTheApplicationBegins() {
    standing.endsAt(10, 0);
    assertThat(partition.next(-1)).isEqualTo(-1);
    standing.startsAt(4L);
    assertThat(standing.records()).isEqualTo(6);
  }

  @Test
  void whatIsReadIsNotTakenYet() {
    returned(12, 10, 11);
    standing.startsAt(10L);
    standing.endsAt(12, 0);
    assertThat(standing.records()).isEqualTo(2);
    partition.taken(10);
    partition.inHand(1, 0);
    assertThat(standing.records()).isEqualTo(2);
    partition.taken(11);
    partition.inHand(2, 0);
    assertThat(standing.records()).isEqualTo(2);
    partition.inHand(1, 0);
    assertThat(standing.records()).isEqualTo(1);
    partition.inHand(0, 0);
    assertThat(standing.records()).isZero();
  }

  @Test
  void marksOfTransactionsBehindTheLastRecordAreNoLag() {
    returned(12, 10, 11);
    partition.taken(10);
    partition.taken(11);
    returned(13); // a mark, in a poll of its own
    standing.endsAt(13, 0);
    assertThat(standing.records()).isZero();
    assertThat(standing.seconds(60_000)).isZero();
  }

  @Test
  void abortedRecordsAreNoLagEither() {
    standing.startsAt(0L);
    standing.endsAt(7, 0);
    assertThat(standing.records()).isEqualTo(7);
    returned(7);
    assertThat(standing.records()).isZero();
  }

  @Test
  void aPositionMayRunAheadOfWhatIsTaken() {
    returned(20, 10, 11);
    standing.endsAt(20, 0);
    partition.taken(10);
    assertThat(standing.records()).as("11 waits, and what is behind it").isEqualTo(9);
    partition.taken(11);
    assertThat(standing.records()).isZero();
  }

  @Test
  void theAgeIsThatOfTheOldestInHandOrElseTheTimeThatRecordsWait() {
    partition.taken(0);
    partition.inHand(1, 5_000);
    standing.endsAt(2, 10_000);
    assertThat(standing.seconds(12_000)).isEqualTo(7);
    partition.inHand(0, 0);
    standing.endsAt(2, 20_000);
    standing.endsAt(2, 25_000);
    assertThat(standing.seconds(26_000)).as("seen to wait at 20 s").isEqualTo(6);
    partition.taken(1);
    assertThat(standing.seconds(26_000)).isZero();
    standing.endsAt(3, 30_000);
    assertThat(standing.seconds(31_000)).isEqualTo(1);
  }

  @Test
  void aTimestampInTheFutureIsNoAge() {
    partition.inHand(1, 90_000);
    assertThat(standing.seconds(12_000)).isZero();
  }

  @Test
  void aPartitionThatIsGivenUpIsGone() {
    assertThat(progress.partitions()).containsExactly(partition);
    ReadProgress.Partition again = progress.open(AT.topic(), AT.partition());
    partition.close(); // late
    assertThat(progress.partitions()).containsExactly(again);
    again.close();
    assertThat(progress.partitions()).isEmpty();
    returned(12, 10, 11); // of nobody
  }
}
