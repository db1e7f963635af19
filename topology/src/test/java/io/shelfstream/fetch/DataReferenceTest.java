package io.shelfstream.fetch;

import static io.shelfstream.fetch.Fetching.MAX_BYTES;
import static io.shelfstream.fetch.Fetching.fetched;
import static io.shelfstream.fetch.Fetching.files;
import static io.shelfstream.fetch.Fetching.reason;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.shelfstream.fetch.FetchException.Reason;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DataReferenceTest {
  private static final String SHA256_OF_ABC =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "data:image/png;base64,YWJj | abc",
        "DATA:;BASE64,YWI= | ab",
        "data:image/png;base64,YWI%3D | ab",
        "data:image/png;base64,YWI | ab",
        "data:,abc | abc",
        "data:text/plain;charset=utf-8,a%62c%20,d | abc ,d",
      })
  void readsBase64AndPercentEncoding(String uri, String image) throws Exception {
    assertThat(fetched(files(), uri)).asString(StandardCharsets.UTF_8).isEqualTo(image);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "data:",
        "data:image/png;base64",
        "data:,a%",
        "data:,a%6",
        "data:,a%zz",
        "data:;base64,A"
      })
  void refusesWhatIsDamaged(String uri) {
    assertThat(reason(files(), uri)).isEqualTo(Reason.INVALID_REFERENCE);
  }

  @Test
  void refusesAnEmptyImage() {
    assertThat(reason(files(), "data:image/png;base64,")).isEqualTo(Reason.EMPTY_IMAGE);
    assertThat(reason(files(), "data:,")).isEqualTo(Reason.EMPTY_IMAGE);
  }

  @Test
  void holdsTheLimitInEachEncoding() throws Exception {
    String exact = Base64.getEncoder().encodeToString(new byte[MAX_BYTES]);
    String longer = Base64.getEncoder().encodeToString(new byte[MAX_BYTES + 1]);

    assertThat(fetched(files(), "data:;base64," + exact)).hasSize(MAX_BYTES);
    assertThat(fetched(files(), "data:," + "%00".repeat(MAX_BYTES))).hasSize(MAX_BYTES);
    for (String uri :
        List.of(
            "data:;base64," + longer,
            "data:," + "%00".repeat(MAX_BYTES + 1),
            "data:," + "a".repeat(MAX_BYTES + 1),
            "data:;base64," + "A".repeat(1 << 22))) {
      assertThat(reason(files(), uri)).isEqualTo(Reason.TOO_MANY_BYTES);
    }
  }

  @Test
  void takesNoneWhenSwitchedOff() {
    FetchPolicy without =
        new FetchPolicy(
            List.of(),
            false,
            HttpRules.NONE,
            BucketRules.NONE,
            new FetchLimits(10, Duration.ofSeconds(1), Duration.ofSeconds(1)));

    assertThat(reason(without, "data:,abc")).isEqualTo(Reason.FORBIDDEN_LOCATION);
  }

  @Test
  void comparesTheDigestWithoutRegardToCase() throws Exception {
    try (ImageFetcher fetcher = new ImageFetcher(files())) {
      assertThat(fetcher.fetch("data:,abc", SHA256_OF_ABC)).hasSize(3);
      assertThat(fetcher.fetch("data:,abc", SHA256_OF_ABC.toUpperCase(java.util.Locale.ROOT)))
          .hasSize(3);

      FetchException e =
          catchThrowableOfType(
              FetchException.class, () -> fetcher.fetch("data:,abd", SHA256_OF_ABC));

      assertThat(e.reason()).isEqualTo(Reason.CHECKSUM_MISMATCH);
      assertThat(e).hasMessageContaining(SHA256_OF_ABC);
    }
  }
}
