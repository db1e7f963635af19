package io.shelfstream.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What becomes of a wish for a GPU where there is none; with -Pgpu as well as without. */
class ProviderTest {
  private static final Path MODEL = Path.of("src/test/resources/models/mean-colour.onnx");

  private static RuntimeOptions on(Provider provider) {
    return new RuntimeOptions(provider, 1, 0, Duration.ZERO, RuntimeOptions.Gpu.FIRST);
  }

  @Test
  void autoTakesTheCpuWhereThereIsNoGpu() {
    assumeFalse(Files.exists(Path.of("/dev/nvidia0")), "this machine has a GPU");

    try (OnnxModel model = OnnxModel.open(MODEL, on(Provider.AUTO))) {
      assertThat(model.provider()).isEqualTo("cpu");
      assertThat(model.isOnGpu()).isFalse();
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Provider.class,
      names = {"CUDA", "TENSORRT"})
  void whoInsistsIsToldWhatIsMissing(Provider provider) {
    assumeFalse(Files.exists(Path.of("/dev/nvidia0")), "this machine has a GPU");

    assertThatThrownBy(() -> OnnxModel.open(MODEL, on(provider)))
        .isInstanceOfSatisfying(ModelException.class, e -> assertThat(e.isConfiguration()).isTrue())
        .hasMessageContaining("models.provider=" + provider.name().toLowerCase(Locale.ROOT))
        .hasMessageContaining("models.provider=auto")
        .hasMessageContaining(
            GpuLibraries.areBuiltIn(provider) ? " is missing (part of" : "build with -Pgpu");
  }

  @ParameterizedTest
  @CsvSource({
    "libcublasLt.so.12, libcublasLt.so.12 is missing (part of CUDA 12)",
    "libcudnn.so.9, libcudnn.so.9 is missing (part of cuDNN 9 for CUDA 12)",
    "libnvinfer.so.10, libnvinfer.so.10 is missing (part of TensorRT 10)",
    "libcuda.so.1, libcuda.so.1 is missing (part of the NVIDIA driver)"
  })
  void theLinkersMessageIsPutShort(String library, String expected) {
    ModelException failure =
        new ModelException(
            ModelException.Code.LOAD,
            "Failed to load library libonnxruntime_providers_cuda.so with error: "
                + library
                + ": cannot open shared object file: No such file or directory");

    assertThat(GpuLibraries.explain(Provider.CUDA, failure)).isEqualTo(expected);
  }

  @Test
  void aGpuHasFixedSizesOfBatchesAndTheCpuHasNone() {
    RuntimeOptions options = on(Provider.CPU);
    Runs onCpu = new Runs(true, false, options, 64);
    Runs onGpu = new Runs(true, true, options, 64);
    List<Integer> warmed = new ArrayList<>();

    onGpu.warmUp(warmed::add);

    assertThat(onCpu.most()).isEqualTo(64);
    assertThat(onCpu.padded(5)).isEqualTo(5);
    assertThat(onGpu.most()).isEqualTo(16);
    assertThat(onGpu.padded(5)).isEqualTo(8);
    assertThat(onGpu.padded(16)).isEqualTo(16);
    assertThat(warmed).containsExactly(1, 2, 4, 8, 16);
  }
}
