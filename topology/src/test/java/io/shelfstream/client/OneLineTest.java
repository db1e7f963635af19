package io.shelfstream.client;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class OneLineTest {
  @Test
  void escapesWhatWouldLeaveTheLineOrTheTerminal() {
    assertThat(OneLine.of("Cola\t330 ml\r\n\u001B[2J\u0000\u0085\u2028\u202Eab\uFEFF"))
        .isEqualTo("Cola\\t330 ml\\r\\n\\u001b[2J\\u0000\\u0085\\u2028\\u202eab\\ufeff");
    assertThat(OneLine.of("Crème 可口可乐 🛒 👩‍🍳")).isEqualTo("Crème 可口可乐 🛒 👩‍🍳");
    assertThat(OneLine.of(null)).isEmpty();
  }

  @Test
  void boundsTheLengthBetweenCharacters() {
    assertThat(OneLine.of("x".repeat(500))).hasSize(500);
    assertThat(OneLine.of("x".repeat(1_000_000))).hasSize(501).endsWith("x…");
    assertThat(OneLine.of("ab🛒", 3)).isEqualTo("ab…");
    assertThat(OneLine.escaped("x".repeat(1000))).hasSize(1000);
  }
}
