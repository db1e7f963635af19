package io.shelfstream.index;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The only place that loads native code: the file that property {@value #OVERRIDE} names, else the
 * best variant in the jar that the processor can run ({@value #VARIANT} asks for one of generic,
 * avx2, avx512). The library path is not searched, so a stale copy there cannot win.
 */
final class NativeLibrary {

  static final String OVERRIDE = "shelfstream.faiss.library";
  static final String VARIANT = "shelfstream.faiss.simd";

  private static final Logger log = LoggerFactory.getLogger(NativeLibrary.class);

  private static @Nullable String source;
  private static @Nullable String failure;

  private NativeLibrary() {}

  /**
   * Loads the library on the first call; later calls give the same answer.
   *
   * @return where it was loaded from
   */
  static synchronized String require() {
    if (source != null) {
      return source;
    }
    if (failure != null) {
      throw new IndexException(IndexException.Code.LIBRARY, failure);
    }
    try {
      source = load();
      requireVersion(NativeFaiss.libraryVersion(), javaVersion(), source);
    } catch (IndexException e) {
      source = null;
      failure = e.getMessage();
      throw e;
    }
    log.atInfo()
        .addKeyValue("faiss", NativeFaiss.faissVersion())
        .addKeyValue("simd", NativeFaiss.simdLevel())
        .addKeyValue("source", source)
        .log("Faiss loaded");
    warnOfSpinningThreads(System.getenv("OMP_WAIT_POLICY"));
    return source;
  }

  private static String load() {
    String override = System.getProperty(OVERRIDE);
    if (override != null) {
      link(Path.of(override).toAbsolutePath(), "property " + OVERRIDE);
      return override;
    }
    List<String> tried = new ArrayList<>();
    for (Simd simd : variants(System.getProperty(VARIANT))) {
      String resource = resource("libshelfstream_faiss-" + simd.variant() + ".so");
      if (loadCopy(resource)) {
        return "jar:" + resource;
      }
      tried.add(resource);
    }
    throw new IndexException(
        IndexException.Code.LIBRARY,
        "no Faiss library for this machine: looked for property %s (not set) and in the jar for %s; build shelfstream-index-sync on this kind of machine, or with -Dfaiss.variants=all, or name a library with -D%s=FILE"
            .formatted(OVERRIDE, tried, OVERRIDE));
  }

  static List<Simd> variants(@Nullable String wanted) {
    List<Simd> runnable = Simd.runnable();
    if (wanted == null) {
      return runnable;
    }
    List<Simd> chosen = runnable.stream().filter(simd -> simd.variant().equals(wanted)).toList();
    if (chosen.isEmpty()) {
      throw new IndexException(
          IndexException.Code.LIBRARY,
          "property %s=%s refused: this processor runs %s"
              .formatted(VARIANT, wanted, runnable.stream().map(Simd::variant).toList()));
    }
    return chosen;
  }

  /** Where the jar holds a library for this machine. */
  static String resource(String library) {
    String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String machine =
        System.getProperty("os.arch").equals("amd64") ? "x86_64" : System.getProperty("os.arch");
    return "/native/%s-%s/%s".formatted(system, machine, library);
  }

  /** Loads a library of the jar; returns false when it holds none. */
  static boolean loadCopy(String resource) {
    try (InputStream library = NativeLibrary.class.getResourceAsStream(resource)) {
      if (library != null) {
        loadCopy(library, resource);
      }
      return library != null;
    } catch (IOException e) {
      throw failed("cannot unpack " + resource + " to " + System.getProperty("java.io.tmpdir"), e);
    }
  }

  // The folder is readable by this user only, and gone once the library is mapped: nothing is left
  // behind, not even by a process that is killed.
  private static void loadCopy(InputStream library, String resource) throws IOException {
    Path folder = Files.createTempDirectory("shelfstream-");
    Path copy = folder.resolve(resource.substring(resource.lastIndexOf('/') + 1));
    try {
      Files.copy(library, copy);
      link(copy, "the copy of " + resource);
    } finally {
      Files.deleteIfExists(copy);
      Files.deleteIfExists(folder);
    }
  }

  static void link(Path file, String origin) {
    try {
      System.load(file.toString());
    } catch (UnsatisfiedLinkError e) {
      throw failed("cannot load %s (%s)".formatted(file, origin), e);
    }
  }

  private static IndexException failed(String what, Throwable cause) {
    return new IndexException(
        IndexException.Code.LIBRARY,
        what
            + ": "
            + cause.getMessage()
            + "; it needs libgomp1 installed and a temporary folder that allows execution"
            + " (-Djava.io.tmpdir=DIR)",
        cause);
  }

  static void requireVersion(String nativeVersion, String javaVersion, String source) {
    if (!nativeVersion.equals(javaVersion)) {
      throw new IndexException(
          IndexException.Code.LIBRARY,
          "Faiss library %s is of version %s, the Java side of %s: use the library in the jar or build it again"
              .formatted(source, nativeVersion, javaVersion));
    }
  }

  static String javaVersion() {
    try (InputStream in = NativeLibrary.class.getResourceAsStream("library.properties")) {
      Properties properties = new Properties();
      properties.load(in);
      return properties.getProperty("version", "unknown");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Returns whether it warned. With the default policy idle OpenMP threads spin and starve others:
   * measured 0.1 s against 1.3 s for the same searches beside ONNX Runtime.
   */
  static boolean warnOfSpinningThreads(@Nullable String waitPolicy) {
    if ("PASSIVE".equalsIgnoreCase(waitPolicy)) {
      return false;
    }
    log.atWarn()
        .addKeyValue("OMP_WAIT_POLICY", waitPolicy)
        .log(
            "idle Faiss threads will spin and slow the others down:"
                + " set OMP_WAIT_POLICY=PASSIVE in the environment before Java starts");
    return true;
  }
}
