package io.shelfstream.topology;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The official Python client and a real registry against this very build: the part of {@code
 * deploy/bench interop} that takes less than a minute once its packages are here.
 */
class InteropIT {
  private static final int CANNOT_BE_FETCHED = 77;

  @TempDir Path folder;

  @Test
  void theOfficialPythonClientWritesWhatWeReadAndReadsWhatWeWrite() throws Exception {
    Path arguments = folder.resolve("java.args");
    Files.writeString(
        arguments,
        "-Xmx512m -cp \"%s\"%n"
            .formatted(System.getProperty("java.class.path").replace("\\", "\\\\")));
    Path output = folder.resolve("output.txt");

    Process bench =
        new ProcessBuilder(
                "../deploy/bench.d/interop",
                "--python-only",
                "--frames",
                "0",
                "--java-arguments",
                arguments.toString())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    boolean ended = bench.waitFor(10, TimeUnit.MINUTES);
    String said = Files.readString(output);

    assertThat(ended).as(said).isTrue();
    assumeTrue(bench.exitValue() != CANNOT_BE_FETCHED, said.strip());
    assertThat(bench.exitValue()).as(said).isZero();
    assertThat(said).contains("the same record has the same bytes from Python and from us");
  }
}
