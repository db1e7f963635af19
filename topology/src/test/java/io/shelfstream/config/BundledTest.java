package io.shelfstream.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.model.OnnxRuntime;
import io.shelfstream.model.Provider;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class BundledTest {
  private static final String HOME = "shelfstream.home";

  private final Path models = Path.of("../deploy/models");

  @BeforeEach
  void nameTheHome() {
    System.setProperty(HOME, "../deploy");
  }

  @AfterEach
  void forgetTheHome() {
    System.clearProperty(HOME);
  }

  @Test
  void bringsTheInt8PairForTheCpuAndTheFloatPairForAGpu() {
    assertThat(Bundled.models(Provider.CPU)).contains(models.resolve("bundled-int8"));
    assertThat(Bundled.models(Provider.CUDA)).contains(models.resolve("bundled"));
    assertThat(Bundled.models(Provider.AUTO))
        .contains(models.resolve(OnnxRuntime.holdsCuda() ? "bundled" : "bundled-int8"));
  }

  @Test
  void bringsNothingWithoutAHome() {
    System.clearProperty(HOME);

    assertThat(Bundled.models(Provider.CPU)).isEmpty();
  }
}
