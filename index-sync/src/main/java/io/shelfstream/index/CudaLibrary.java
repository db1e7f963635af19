package io.shelfstream.index;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Faiss for GPUs: a library of its own beside {@link NativeLibrary}'s, in the jar of a build with
 * CUDA or where property {@value #OVERRIDE} says. It is loaded only when all of CUDA that it needs
 * is there, and then asked for GPUs before anything else is done with it: Faiss ends the process at
 * errors of a driver.
 */
final class CudaLibrary {

  static final String OVERRIDE = "shelfstream.faiss.cuda.library";

  private static final String NAME = "libshelfstream_faiss_cuda.so";

  /** Beside the library: names of the libraries it needs, a line each. */
  private static final String NEEDS = ".needs";

  /** As the dynamic linker says it: "libcublasLt.so.12: cannot open shared object file". */
  private static final Pattern ABSENT = Pattern.compile("(lib[\\w.+-]+\\.so[\\w.]*): cannot open");

  private static @Nullable List<String> missing;

  private CudaLibrary() {}

  /** Whether this build holds it; loads nothing. */
  static boolean isBuiltIn() {
    return System.getProperty(OVERRIDE) != null
        || CudaLibrary.class.getResource(NativeLibrary.resource(NAME)) != null;
  }

  /** GPUs that can be searched on. */
  static int gpus() {
    return missing().isEmpty() ? NativeCuda.count() : 0;
  }

  /** What keeps every GPU from being used, a sentence each; nothing where one can be. */
  static synchronized List<String> missing() {
    if (missing == null) {
      NativeLibrary.require();
      missing = List.copyOf(load());
    }
    return missing;
  }

  private static List<String> load() {
    if (!isBuiltIn()) {
      return List.of(
          "this build holds Faiss for the CPU only; build with -Pgpu where CUDA's compiler nvcc is");
    }
    List<String> unresolved =
        needs().stream().map(CudaLibrary::problem).flatMap(List::stream).distinct().toList();
    if (!unresolved.isEmpty()) {
      return unresolved;
    }
    try {
      link();
    } catch (IndexException e) {
      return List.of(String.valueOf(e.getMessage()));
    }
    return NativeCuda.count() > 0
        ? List.of()
        : List.of("CUDA finds no GPU (%s)".formatted(NativeCuda.whyNone()));
  }

  private static List<String> problem(String library) {
    byte[] why = NativeFaiss.cannotLoad0(library.getBytes(UTF_8));
    if (why == null) {
      return List.of();
    }
    String message = new String(why, UTF_8);
    Matcher absent = ABSENT.matcher(message);
    String name = absent.lookingAt() ? absent.group(1) : library;
    String source =
        name.startsWith("libcuda.so")
            ? "the NVIDIA driver"
            : name.replaceFirst(".*\\.so\\.(\\d+).*", "CUDA $1");
    return List.of(
        absent.lookingAt()
            ? "%s is missing (part of %s)".formatted(name, source)
            : "%s (part of %s) does not load: %s".formatted(name, source, message));
  }

  private static void link() {
    String override = System.getProperty(OVERRIDE);
    if (override != null) {
      NativeLibrary.link(Path.of(override).toAbsolutePath(), "property " + OVERRIDE);
    } else {
      NativeLibrary.loadCopy(NativeLibrary.resource(NAME));
    }
    NativeLibrary.requireVersion(
        NativeCuda.libraryVersion(),
        NativeLibrary.javaVersion(),
        override == null ? NAME : override);
  }

  private static List<String> needs() {
    List<String> names = new ArrayList<>();
    String override = System.getProperty(OVERRIDE);
    try (InputStream in =
        override == null
            ? CudaLibrary.class.getResourceAsStream(NativeLibrary.resource(NAME) + NEEDS)
            : open(Path.of(override + NEEDS))) {
      if (in != null) {
        new String(in.readAllBytes(), UTF_8).lines().forEach(names::add);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return names;
  }

  private static @Nullable InputStream open(Path file) throws IOException {
    return Files.isReadable(file) ? Files.newInputStream(file) : null;
  }
}
