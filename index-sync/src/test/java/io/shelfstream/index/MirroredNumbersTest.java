package io.shelfstream.index;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Numbers that stand in Java and in C++ are the same. */
class MirroredNumbersTest {

  private static final Path CPP = Path.of("src/main/cpp");

  @Test
  void failureCodesAreTheSameInBothLanguages() throws IOException {
    Matcher constant =
        Pattern.compile("k(\\w+) = (\\d+),").matcher(Files.readString(CPP.resolve("failure.h")));
    List<String> inCpp = new ArrayList<>();
    while (constant.find()) {
      assertThat(Integer.parseInt(constant.group(2))).isEqualTo(inCpp.size());
      inCpp.add(constant.group(1).replaceAll("(?<=.)([A-Z])", "_$1").toUpperCase(Locale.ROOT));
    }

    List<String> expected = new ArrayList<>(List.of("INVALID_ARGUMENT"));
    for (IndexException.Code code : IndexException.Code.values()) {
      if (code != IndexException.Code.LIBRARY) {
        expected.add(code.name());
      }
    }
    assertThat(inCpp).isEqualTo(expected);
  }

  @Test
  void limitsAreTheSameInBothLanguages() throws IOException {
    String limits = Files.readString(CPP.resolve("limits.h"));

    assertThat(limits)
        .contains("kMaxDimension = " + Limits.MAX_DIMENSION + ";")
        .contains("kMaxNeighbors = int64_t{1} << 20;")
        .contains("kMaxResults = int64_t{1} << 24;")
        .contains("kMaxMagnitude = 0x1p50F;");
    assertThat(Files.readString(CPP.resolve("cuda_rows.h")))
        .contains("kMaxNeighbors = " + NativeCuda.MOST_NEIGHBORS + ";");
    assertThat(Limits.MAX_NEIGHBORS).isEqualTo(1 << 20);
    assertThat(Limits.MAX_RESULTS).isEqualTo(1 << 24);
    assertThat(Limits.MAX_MAGNITUDE).isEqualTo(0x1p50f);
  }

  @Test
  void metricsAreInTheOrderThatNativeCodeExpects() {
    assertThat(Metric.values()).containsExactly(Metric.INNER_PRODUCT, Metric.L2);
  }
}
