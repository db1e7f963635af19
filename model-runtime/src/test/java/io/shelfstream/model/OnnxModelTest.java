package io.shelfstream.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class OnnxModelTest {

  /** Opens a model, as a program of its own. */
  static final class OpensAModel {
    public static void main(String[] arguments) {
      OnnxModel.open(Path.of(arguments[0]), RuntimeOptions.cpu(1)).close();
    }
  }

  /** ONNX Runtime 1.29.0 overflowed the stack here and ended the JVM without a word. */
  @Test
  @Timeout(300)
  void opensAModelInAProcessWithALongCommandLine() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                OpensAModel.class.getName(),
                "src/test/resources/models/mean-colour.onnx",
                ("/photos/shelf.jpg" + File.pathSeparator).repeat(5_000))
            .redirectErrorStream(true)
            .start();

    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(process.waitFor()).as(said).isZero();
  }
}
