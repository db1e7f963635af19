package io.shelfstream.streams;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.messages.DeadLetter;
import io.shelfstream.messages.RecordHeaderText;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.Test;

class RepairedTimestampsTest {
  private static final TopicPartition PARTITION = new TopicPartition("frames", 2);
  private static final long LATEST = 253_402_300_799_999L;

  @Test
  void replacesWhatIsNoTimeAndKeepsTheNumberInAHeader() {
    long before = System.currentTimeMillis();

    for (long hostile :
        new long[] {-1, -62135596800000L, Long.MIN_VALUE, LATEST + 1, Long.MAX_VALUE}) {
      ConsumerRecord<byte[], byte[]> repaired = read(record(5, hostile, null)).get(0);

      assertThat(repaired.timestamp()).isBetween(before, System.currentTimeMillis());
      assertThat(RecordHeaderText.lastText(repaired.headers(), DeadLetter.TIMESTAMP))
          .isEqualTo(Long.toString(hostile));
      assertThat(repaired.offset()).isEqualTo(5);
      assertThat(repaired.value()).containsExactly(1);
      assertThat(repaired.leaderEpoch()).contains(3);
    }
  }

  @Test
  void leavesTimesAsTheyAreAndKeepsTheOrder() {
    List<ConsumerRecord<byte[], byte[]>> records =
        read(record(0, 0, null), record(1, -1, null), record(2, LATEST, null));

    assertThat(records).extracting(ConsumerRecord::offset).containsExactly(0L, 1L, 2L);
    assertThat(records.get(0).timestamp()).isZero();
    assertThat(records.get(2).timestamp()).isEqualTo(LATEST);
    assertThat(records.get(0).headers()).isEmpty();
  }

  @Test
  void believesNobodyElsesHeader() {
    assertThat(read(record(0, 77, "-5")).get(0).headers()).isEmpty();
    ConsumerRecord<byte[], byte[]> repaired = read(record(0, -7, "-5")).get(0);
    assertThat(repaired.headers().headers(DeadLetter.TIMESTAMP)).hasSize(1);
    assertThat(RecordHeaderText.lastText(repaired.headers(), DeadLetter.TIMESTAMP)).isEqualTo("-7");
  }

  @SafeVarargs
  private static List<ConsumerRecord<byte[], byte[]>> read(
      ConsumerRecord<byte[], byte[]>... records) {
    Map<TopicPartition, OffsetAndMetadata> next = Map.of(PARTITION, new OffsetAndMetadata(99));
    ConsumerRecords<byte[], byte[]> repaired =
        new RepairedTimestamps()
            .onConsume(new ConsumerRecords<>(Map.of(PARTITION, List.of(records)), next));
    assertThat(repaired.nextOffsets()).isEqualTo(next);
    return new ArrayList<>(repaired.records(PARTITION));
  }

  private static ConsumerRecord<byte[], byte[]> record(long offset, long time, String header) {
    RecordHeaders headers = new RecordHeaders();
    if (header != null) {
      headers.add(DeadLetter.TIMESTAMP, header.getBytes(StandardCharsets.UTF_8));
    }
    return new ConsumerRecord<>(
        PARTITION.topic(),
        PARTITION.partition(),
        offset,
        time,
        TimestampType.CREATE_TIME,
        0,
        1,
        null,
        new byte[] {1},
        headers,
        Optional.of(3));
  }
}
