package io.shelfstream.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GtinTest {
  @ParameterizedTest
  @CsvSource({
    "96385074, 00000096385074",
    "036000291452, 00036000291452",
    "4006381333931, 04006381333931",
    "10614141000415, 10614141000415"
  })
  void padsEveryLengthToFourteenDigits(String gtin, String normal) {
    assertThat(Gtin.normalise(gtin)).isEqualTo(normal);
  }

  @Test
  void saysWhichCheckDigitWouldBeRight() {
    assertThatThrownBy(() -> Gtin.normalise("4006381333930"))
        .hasMessageContaining("4006381333930")
        .hasMessageContaining("1 would be right");
  }

  @Test
  void refusesWhatIsNoGtin() {
    assertThatThrownBy(() -> Gtin.normalise("12345")).hasMessageContaining("8, 12, 13 or 14");
    assertThatThrownBy(() -> Gtin.normalise("400638133393X")).hasMessageContaining("400638133393X");
  }
}
