package io.shelfstream.messages;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.recognition.ShortText;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RecordHeaderTextTest {
  private static final String NAME = "shelf.attempt";

  @Test
  void readsTheLastHeaderOfTheName() {
    var headers = new RecordHeaders().add(NAME, "1".getBytes(UTF_8)).add(NAME, "可".getBytes(UTF_8));
    assertThat(RecordHeaderText.lastText(headers, NAME)).isEqualTo("可");
  }

  @Test
  void aNullValueIsNoText() {
    var headers = new RecordHeaders().add(NAME, "1".getBytes(UTF_8)).add(NAME, null);
    assertThat(RecordHeaderText.lastText(headers, NAME)).isNull();
    assertThat(RecordHeaderText.lastText(headers, "other")).isNull();
    assertThat(RecordHeaderText.text(null)).isNull();
  }

  @Test
  void whatIsNotUtf8IsReplaced() {
    assertThat(RecordHeaderText.text(new byte[] {'a', (byte) 0xff, (byte) 0xc3}))
        .isEqualTo("a\uFFFD\uFFFD");
    assertThat(RecordHeaderText.text(new byte[0])).isEmpty();
  }

  /** One to four bytes of UTF-8 a character; the last takes two UTF-16 units. */
  @ParameterizedTest
  @ValueSource(strings = {"x", "é", "货", "🛒"})
  void whatIsTooLongIsCutBetweenCharacters(String character) {
    String longest = "x".repeat(ShortText.LONGEST % character.length());
    longest = longest + character.repeat(ShortText.LONGEST / character.length());
    assertThat(RecordHeaderText.text(longest.getBytes(UTF_8))).isEqualTo(longest);

    String cut = RecordHeaderText.text(character.repeat(1_000_000).getBytes(UTF_8));
    assertThat(cut).hasSizeBetween(ShortText.LONGEST - 1, ShortText.LONGEST);
    assertThat(cut).endsWith(character + "…").doesNotContain("\uFFFD");
    assertThat(cut.replace(character, "")).isEqualTo("…");
  }
}
