package io.shelfstream.messages;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.events.ImageReference;
import io.shelfstream.recognition.RejectedException;
import io.shelfstream.registry.SchemaRegistryClient;
import java.time.Instant;
import java.util.Arrays;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.streams.processor.api.Record;
import org.junit.jupiter.api.Test;

class EventSerdesTest {
  private final EventSerdes serdes =
      EventSerdes.with(SchemaRegistryClient.create("mock://event-serdes-test"));

  @Test
  void readsAFrameWhoseSchemaIdIsInItsHeaders() throws Exception {
    byte[] value = written(Instant.ofEpochMilli(1_000));
    Headers headers =
        new RecordHeaders().add("__value_schema_id", Arrays.copyOf(value, 5)); // byte 0 and the id
    byte[] body = Arrays.copyOfRange(value, 5, value.length);

    ImageReference frame = serdes.readFrame("t", new Record<>(null, body, 0, headers));

    assertThat(frame.getFrameId()).isEqualTo("f");
  }

  @Test
  void refusesATimeThatNotEveryConsumerOfTheEventCanRead() {
    for (long millis :
        new long[] {
          253402300800000L, // year 10000
          -62135596800001L, // year 0
          1764400000000000L, // microseconds
          1L << 53,
          -(1L << 53),
          Long.MAX_VALUE,
          Long.MIN_VALUE
        }) {
      Record<byte[], byte[]> record = new Record<>(null, written(Instant.ofEpochMilli(millis)), 0);

      assertThatThrownBy(() -> serdes.readFrame("t", record))
          .isInstanceOfSatisfying(
              RejectedException.class, e -> assertThat(e.reason()).isEqualTo("INVALID_RECORD"))
          .hasMessageContaining("capturedAt");
    }
  }

  @Test
  void readsTheFirstAndTheLastTime() throws Exception {
    for (String time : new String[] {"0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"}) {
      Record<byte[], byte[]> record = new Record<>(null, written(Instant.parse(time)), 0);

      assertThat(serdes.readFrame("t", record).getCapturedAt()).isEqualTo(time);
    }
  }

  private byte[] written(Instant capturedAt) {
    ImageReference frame = RecognitionEvents.reference("c", "f", "file:/a.png", capturedAt);
    return serdes.frames().serializer().serialize("t", frame);
  }
}
