package example;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class RecognizeShelfTest {
  private static final Path DEPLOY = Path.of("../../../deploy");

  @Test
  void namesTheProductsOfAShelf() throws Exception {
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    PrintStream before = System.out;
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      RecognizeShelf.main(
          new String[] {
            DEPLOY.resolve("models/bundled").toString(),
            DEPLOY.resolve("demo-data/gallery").toString(),
            DEPLOY.resolve("demo-data/frames/rendered/000.jpg").toString()
          });
    } finally {
      System.setOut(before);
    }

    assertThat(printed.toString(StandardCharsets.UTF_8).lines().filter(this::isObject))
        .hasSizeGreaterThan(10)
        .anyMatch(line -> line.endsWith("  Vosana-tidaze"))
        .anyMatch(line -> line.endsWith("  unknown"));
  }

  /** Other lines are the log's. */
  private boolean isObject(String line) {
    return line.matches("PixelBox\\[.*]  -?\\d\\.\\d{3}  .+");
  }
}
