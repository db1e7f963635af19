package io.shelfstream.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Loading is once for a process, so most cases run in one of their own. */
class NativeLibraryTest {

  private static final Set<String> HASWELL = Set.of("sse4_2", "avx", "avx2", "fma", "f16c");

  @TempDir Path temporary;

  private String load(String waitPolicy, String... properties) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Djava.io.tmpdir=" + temporary);
    command.addAll(List.of(properties));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(LoadFaiss.class.getName());
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("OMP_WAIT_POLICY", waitPolicy);
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
    return output;
  }

  private static boolean isBuilt(Simd simd) {
    return NativeLibraryTest.class.getResource(resource(simd)) != null;
  }

  private static String resource(Simd simd) {
    return NativeLibrary.resource("libshelfstream_faiss-" + simd.variant() + ".so");
  }

  @Test
  void describesWhatItLoaded() {
    FaissLibrary library = FaissLibrary.describe();

    assertThat(library.faissVersion()).matches("1\\.\\d+\\.\\d+");
    assertThat(library.simdLevel()).isIn("generic", "avx2", "avx512");
    assertThat(library.blas()).contains("OpenBLAS").contains("USE_OPENMP");
    assertThat(library.gpus()).isEqualTo(CudaLibrary.gpus());
    assertThat(library.threads()).isPositive();
    assertThat(library.source()).startsWith("jar:/native/linux-");
  }

  @ParameterizedTest
  @EnumSource(Simd.class)
  void loadsEveryVariantThatTheProcessorRunsAndLeavesNoFile(Simd simd) throws Exception {
    assumeTrue(Simd.runnable().contains(simd), "this processor cannot run " + simd.variant());
    assumeTrue(isBuilt(simd), "not built: -Dfaiss.variants=all builds " + simd.variant() + " too");

    String output = load("PASSIVE", "-Dshelfstream.faiss.simd=" + simd.variant());

    assertThat(output)
        .contains(simd.variant() + " from jar:" + resource(simd))
        .doesNotContain("WARN");
    assertThat(leftovers()).isEmpty();
  }

  private List<String> leftovers() throws IOException {
    try (var files = Files.list(temporary)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> !name.startsWith("hsperfdata"))
          .toList();
    }
  }

  @Test
  void takesTheNamedLibraryFirstAndSaysWhenItIsNone() throws Exception {
    Path text = Files.writeString(temporary.resolve("lib.so"), "no library");

    String output = load("PASSIVE", "-Dshelfstream.faiss.library=" + text);

    assertThat(output)
        .contains("LIBRARY: cannot load " + text + " (property shelfstream.faiss.library)");
  }

  @Test
  void loadsTheNamedLibrary() throws Exception {
    Path library = temporary.resolve("named.so");
    FaissLibrary inJar = FaissLibrary.describe();
    try (var in =
        NativeLibrary.class.getResourceAsStream(inJar.source().substring("jar:".length()))) {
      assertThat(in).isNotNull();
      Files.copy(in, library);
    }

    String output = load("PASSIVE", "-Dshelfstream.faiss.library=" + library);

    assertThat(output).contains(inJar.simdLevel() + " from " + library);
  }

  @Test
  void refusesAVariantThatIsUnknown() throws Exception {
    String output = load("PASSIVE", "-Dshelfstream.faiss.simd=sse9");

    assertThat(output).contains("LIBRARY: property shelfstream.faiss.simd=sse9 refused");
  }

  @Test
  void saysWhatItLookedForOnAMachineItWasNotBuiltFor() throws Exception {
    String output = load("PASSIVE", "-Dos.arch=sparcv9");

    assertThat(output)
        .contains("LIBRARY: no Faiss library for this machine")
        .contains("/native/linux-sparcv9/libshelfstream_faiss-generic.so")
        .contains("-Dshelfstream.faiss.library=FILE");
  }

  @Test
  void warnsOnceOfThreadsThatWouldSpin() throws Exception {
    String output = load("ACTIVE");

    assertThat(output.split("OMP_WAIT_POLICY=PASSIVE", -1)).hasSize(2);
    assertThat(output).contains("WARN");
  }

  @Test
  void refusesALibraryOfAnotherVersion() {
    assertThatThrownBy(() -> NativeLibrary.requireVersion("0.9", "1.0", "/lib/old.so"))
        .isInstanceOf(IndexException.class)
        .hasMessageStartingWith(
            "Faiss library /lib/old.so is of version 0.9, the Java side of 1.0");
    NativeLibrary.requireVersion(NativeFaiss.libraryVersion(), NativeLibrary.javaVersion(), "jar");
    assertThat(NativeLibrary.javaVersion()).matches("\\d+\\.\\d+\\.\\d+.*");
  }

  @Test
  void choosesNoVariantThatTheProcessorLacksAFlagFor() {
    assertThat(Simd.runnable(Set.of())).containsExactly(Simd.GENERIC);
    assertThat(Simd.runnable(HASWELL)).containsExactly(Simd.AVX2, Simd.GENERIC);
    assertThat(Simd.runnable(Set.of("avx2", "fma"))).containsExactly(Simd.GENERIC);
    Set<String> skylake = new java.util.HashSet<>(HASWELL);
    skylake.addAll(Set.of("avx512f", "avx512cd", "avx512vl", "avx512dq"));
    assertThat(Simd.runnable(skylake)).containsExactly(Simd.AVX2, Simd.GENERIC);
    skylake.add("avx512bw");
    assertThat(Simd.runnable(skylake)).containsExactly(Simd.AVX512, Simd.AVX2, Simd.GENERIC);
  }
}
