package io.shelfstream.messages;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.recognition.RejectedException;
import io.shelfstream.recognition.ShortText;
import io.shelfstream.recognition.Stage;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.streams.processor.api.Record;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DeadLetterTest {
  private static final SourcePosition SOURCE = new SourcePosition("frames", 3, 42);
  private static final int LIMIT = 10_000;

  @Test
  void takesHeadersWithoutAValue() {
    Headers headers = new RecordHeaders();
    for (String name : new String[] {DeadLetter.ATTEMPT, DeadLetter.CLASS, "", "x"}) {
      headers.add(name, null);
    }

    Record<byte[], byte[]> letter = letter(new byte[10], headers, LIMIT);

    assertThat(texts(letter))
        .containsEntry(DeadLetter.ATTEMPT, "1")
        .containsEntry(DeadLetter.CLASS, "INVALID_RECORD")
        .containsEntry("x", null)
        .containsEntry("", null);
  }

  @ParameterizedTest
  @CsvSource({
    "1,2",
    "7,8",
    "2147483647,1",
    "99999999999,1",
    "-5,1",
    "0,1",
    "x,1",
    "' 3',1",
    "999999999,999999999"
  })
  void countsAttemptsAndBeginsAgainWhereTheHeaderIsNoCount(String before, String after) {
    Headers headers = new RecordHeaders();
    headers.add(DeadLetter.ATTEMPT, before.getBytes(StandardCharsets.UTF_8));

    assertThat(texts(letter(new byte[10], headers, LIMIT)))
        .containsEntry(DeadLetter.ATTEMPT, after);
  }

  @Test
  void saysNothingOfAnEarlierLife() {
    Headers headers = new RecordHeaders();
    headers.add(DeadLetter.VALUE_OMITTED, "7".getBytes(StandardCharsets.UTF_8));
    headers.add("shelf.of.tomorrow", new byte[1]);
    headers.add(DeadLetter.OFFSET, new byte[1]);
    headers.add(DeadLetter.OFFSET, new byte[2]);

    Record<byte[], byte[]> letter = letter(new byte[10], headers, LIMIT);

    assertThat(texts(letter))
        .doesNotContainKeys(DeadLetter.VALUE_OMITTED, "shelf.of.tomorrow")
        .containsEntry(DeadLetter.OFFSET, "42");
    assertThat(letter.headers().headers(DeadLetter.OFFSET)).hasSize(1);
  }

  @Test
  void leavesOutTheValueThenTheHeadersOfTheSourceThenTheKey() {
    Headers few = new RecordHeaders();
    few.add("order", new byte[10]);

    Record<byte[], byte[]> withoutValue = letter(new byte[LIMIT], few, LIMIT);
    assertThat(withoutValue.value()).isNull();
    assertThat(withoutValue.key()).hasSize(2);
    assertThat(texts(withoutValue))
        .containsEntry(DeadLetter.VALUE_OMITTED, Integer.toString(LIMIT))
        .containsKey("order");

    Headers many = new RecordHeaders();
    for (int i = 0; i < 10_000; i++) {
      many.add("h", null);
    }
    Record<byte[], byte[]> withoutHeaders = letter(new byte[10], many, LIMIT);
    assertThat(withoutHeaders.key()).hasSize(2);
    assertThat(texts(withoutHeaders))
        .containsEntry(DeadLetter.VALUE_OMITTED, "10")
        .doesNotContainKey("h");

    Record<byte[], byte[]> withoutKey =
        DeadLetter.of(
            new Record<>(new byte[LIMIT], new byte[10], 5, many), SOURCE, reason(), 0, LIMIT);
    assertThat(withoutKey.key()).isNull();
    assertThat(texts(withoutKey))
        .containsEntry(DeadLetter.CLASS, "INVALID_RECORD")
        .containsEntry(DeadLetter.TOPIC, "frames")
        .containsEntry(DeadLetter.PARTITION, "3")
        .containsEntry(DeadLetter.OFFSET, "42")
        .containsEntry(DeadLetter.TIMESTAMP, "5");
    for (Record<byte[], byte[]> letter : new Record[] {withoutValue, withoutHeaders, withoutKey}) {
      assertThat(RecordLimits.size(letter.key(), letter.value(), letter.headers()))
          .isLessThanOrEqualTo(LIMIT);
    }
  }

  @Test
  void boundsTheMessage() {
    RejectedException reason =
        new RejectedException(
            Stage.READ, RejectedException.Reason.INVALID_RECORD, "\uD83D\uDE00".repeat(100_000));

    assertThat(reason.message().length()).isBetween(990, ShortText.LONGEST);
    assertThat(reason.message()).endsWith("…").doesNotContain("?");
  }

  private static Record<byte[], byte[]> letter(byte[] value, Headers headers, int limit) {
    return DeadLetter.of(
        new Record<>(new byte[] {'c', '1'}, value, 5, headers), SOURCE, reason(), 0, limit);
  }

  private static RejectedException reason() {
    return new RejectedException(Stage.READ, RejectedException.Reason.INVALID_RECORD, "why");
  }

  private static Map<String, String> texts(Record<?, ?> record) {
    Map<String, String> texts = new TreeMap<>();
    for (Header header : record.headers()) {
      texts.put(header.key(), RecordHeaderText.text(header.value()));
    }
    return texts;
  }
}
