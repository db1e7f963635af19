package io.shelfstream.index;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The variants of the native library, best first. Flags are those Faiss's build turns on for the
 * whole library (its faiss/CMakeLists.txt), as Linux names them in /proc/cpuinfo: a processor
 * without one of them ends the process.
 */
enum Simd {
  AVX512("avx2", "fma", "f16c", "avx512f", "avx512cd", "avx512vl", "avx512dq", "avx512bw"),
  AVX2("avx2", "fma", "f16c"),
  GENERIC;

  private static final Path CPUINFO = Path.of("/proc/cpuinfo");

  @SuppressWarnings("ImmutableEnumChecker") // List.of gives an immutable one.
  private final List<String> flags;

  Simd(String... flags) {
    this.flags = List.of(flags);
  }

  String variant() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Variants that this processor can run, best first; GENERIC is always among them. */
  static List<Simd> runnable() {
    return runnable(flags());
  }

  static List<Simd> runnable(Set<String> cpuFlags) {
    return Arrays.stream(values()).filter(simd -> cpuFlags.containsAll(simd.flags)).toList();
  }

  private static Set<String> flags() {
    try {
      return Files.readAllLines(CPUINFO).stream()
          .filter(line -> line.startsWith("flags"))
          .findFirst()
          .map(line -> Set.of(line.substring(line.indexOf(':') + 1).trim().split("\\s+")))
          .orElse(Set.of());
    } catch (IOException e) {
      return Set.of();
    }
  }
}
