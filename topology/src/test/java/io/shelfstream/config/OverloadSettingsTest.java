package io.shelfstream.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;

class OverloadSettingsTest {
  @Test
  void hasAPolicyForAllCamerasAndOthersForSome() {
    OverloadSettings overload =
        load(
            Map.of(
                "recognition.overload", "newest-wins",
                "recognition.overload.camera.Till-7", "keep-all"));

    assertThat(overload.newestWins("c17")).isTrue();
    assertThat(overload.newestWins("Till-7")).isFalse();
    assertThat(overload.answersSkipped()).isTrue();
  }

  @Test
  void refusesAPolicyThatDoesNotExist() {
    Map<String, String> settings = Map.of("recognition.overload.camera.c1", "drop");

    assertThatThrownBy(() -> load(settings))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("recognition.overload.camera.c1")
        .hasMessageContaining("keep-all, newest-wins");
  }

  @Test
  void namesOurKeyForKafkasGuarantee() {
    Map<String, String> settings = Map.of("kafka.processing.guarantee", "at_least_once");

    assertThatThrownBy(() -> load(settings)).hasMessageContaining("set delivery.guarantee instead");
  }

  private static OverloadSettings load(Map<String, String> settings) {
    return ShelfStreamConfig.load(null, Map.of(), settings, false).overload();
  }
}
