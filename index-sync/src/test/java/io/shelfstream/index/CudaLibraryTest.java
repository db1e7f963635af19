package io.shelfstream.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is said where GPUs cannot be had; and what they find, on a machine that has one. */
class CudaLibraryTest {

  @TempDir Path temporary;

  private static String open(List<String> properties, String... devices) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(properties);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(OpenAccelerator.class.getName());
    command.addAll(List.of(devices));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("OMP_WAIT_POLICY", "PASSIVE");
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
    return output;
  }

  private String openNamed(String needs, String... devices) throws Exception {
    Path library = Files.writeString(temporary.resolve("gpu.so"), "no library");
    Files.writeString(temporary.resolve("gpu.so.needs"), needs);
    return open(List.of("-Dshelfstream.faiss.cuda.library=" + library), devices);
  }

  @Test
  void isSilentAboutGpusInABuildForTheCpu() throws Exception {
    assumeFalse(CudaLibrary.isBuiltIn(), "this is a build for GPUs");

    String output = open(List.of(), "auto", "cpu", "cuda");

    assertThat(output)
        .doesNotContain("WARN")
        .contains("auto: the CPU")
        .contains("cpu: the CPU")
        .contains("cuda: LIBRARY: index.device=cuda cannot be had: this build holds Faiss for the")
        .contains("build with -Pgpu")
        .contains("or set index.device=auto");
  }

  @Test
  void namesEveryLibraryThatIsMissingAndWarnsOnce() throws Exception {
    String output =
        openNamed(
            "libshelfstream-none.so.13\nlibc.so.6\nlibshelfstream-more.so.12\n",
            "auto",
            "auto",
            "cuda");

    String missing =
        "libshelfstream-none.so.13 is missing (part of CUDA 13); libshelfstream-more.so.12 is missing (part of CUDA 12)";
    assertThat(output)
        .containsOnlyOnce("WARN")
        .contains("reason=\"" + missing + "\"")
        .contains("The gallery is searched on the CPU, as the GPU cannot be used")
        .contains("cuda: LIBRARY: index.device=cuda cannot be had: " + missing + ". Install");
    assertThat(output.split("auto: the CPU", -1)).hasSize(3);
  }

  @Test
  void saysWhenItIsNoLibrary() throws Exception {
    assertThat(openNamed("", "cuda")).contains("cannot load").contains("gpu.so");
  }

  @Test
  void leavesGpusAloneWhenToldSo() throws Exception {
    assertThat(openNamed("libshelfstream-none.so.13\n", "cpu"))
        .contains("cpu: the CPU")
        .doesNotContain("WARN");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aGpuFindsWhatTheCpuFinds(boolean half) throws IOException {
    assumeTrue(CudaLibrary.missing().isEmpty(), "no GPU to search on: " + CudaLibrary.missing());
    int rows = 10_000;
    int dimension = 64;
    FloatBuffer vectors = TestVectors.direct(TestVectors.units(3, rows, dimension));
    FloatBuffer queries = TestVectors.direct(TestVectors.units(4, 20, dimension));
    try (NativeCuda gpu = NativeCuda.open(0, 64 << 20);
        Device.Rows copy = gpu.rows(dimension, half);
        Segment segment = Segment.block(dimension, rows)) {
      segment.append(vectors.duplicate());
      copy.append(vectors.duplicate().limit(rows / 2 * dimension));
      copy.append(vectors.duplicate().position(rows / 2 * dimension));
      for (int k : new int[] {1, 10, NativeCuda.MOST_NEIGHBORS}) {
        long[] positions = new long[20 * k];
        float[] scores = new float[20 * k];
        copy.search(queries, 20, k, positions, scores);
        Neighbor[][] exact =
            Segment.search(
                List.of(new Segment.View(segment, rows)), 0, true, queries.duplicate(), k);
        for (int q = 0; q < 20; q++) {
          for (int i = 0; i < k; i++) {
            assertThat(scores[q * k + i])
                .isCloseTo(exact[q][i].score(), within(half ? 2e-3f : 1e-5f));
          }
          assertThat(positions[q * k]).isEqualTo(exact[q][0].id());
        }
      }
    }
  }
}
