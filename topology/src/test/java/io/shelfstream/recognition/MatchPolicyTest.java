package io.shelfstream.recognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.events.MatchStatus;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.gallery.GalleryHit;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MatchPolicyTest {
  private final MatchPolicy policy = new MatchPolicy(0.5f, 0.1f, 2, 10);

  @Test
  void matchesAtTheThresholdItself() {
    Match match = policy.decide(List.of(hit("cola", "cola-1", 0.5f)));

    assertThat(match.status()).isEqualTo(MatchStatus.MATCH);
    assertThat(match.margin()).isNull();
  }

  @Test
  void doesNotKnowWhatIsBelowTheThresholdButNamesTheNearest() {
    Match match = policy.decide(List.of(hit("cola", "cola-1", 0.49f)));

    assertThat(match.status()).isEqualTo(MatchStatus.UNKNOWN);
    assertThat(match.known()).isNull();
    assertThat(match.best()).isNotNull();
  }

  @Test
  void knowsNothingOfAnEmptyGallery() {
    Match match = policy.decide(List.of());

    assertThat(match.status()).isEqualTo(MatchStatus.UNKNOWN);
    assertThat(match.best()).isNull();
  }

  @Test
  void mergesThePhotosOfAProductByTheirMaximum() {
    Match match =
        policy.decide(
            List.of(
                hit("cola", "cola-2", 0.9f),
                hit("cola", "cola-1", 0.88f),
                hit("soda", "soda-1", 0.6f),
                hit("tea", "tea-1", 0.55f)));

    assertThat(match.status()).isEqualTo(MatchStatus.MATCH);
    assertThat(match.candidates())
        .extracting(h -> h.entry().galleryImageId())
        .containsExactly("cola-2", "soda-1");
    assertThat(match.margin()).isEqualTo(0.9f - 0.6f);
  }

  @Test
  void isAmbiguousWhenTwoProductsAreCloserThanTheMargin() {
    Match match = policy.decide(List.of(hit("cola", "c", 0.9f), hit("soda", "s", 0.85f)));

    assertThat(match.status()).isEqualTo(MatchStatus.AMBIGUOUS);
  }

  @Test
  void refusesNumbersThatCannotBeMeant() {
    assertThatThrownBy(() -> new MatchPolicy(Float.NaN, 0, 1, 1)).hasMessageContaining("NaN");
    assertThatThrownBy(() -> new MatchPolicy(0.5f, -1, 1, 1)).hasMessageContaining("margin");
    assertThatThrownBy(() -> new MatchPolicy(0.5f, 0, 5, 3)).hasMessageContaining("5 of 3");
  }

  private static GalleryHit hit(String product, String photo, float score) {
    return new GalleryHit(new GalleryEntry(photo, product, product, null, Map.of()), score);
  }
}
