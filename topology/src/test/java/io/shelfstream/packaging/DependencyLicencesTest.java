package io.shelfstream.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** docs/licences.md names the Maven group of every library that the program and its tests load. */
class DependencyLicencesTest {
  private static final Path PAGE = Path.of("../docs/licences.md");

  // A row of the second table: | `group` | licence | artefacts of it … |
  private static final Pattern ROW = Pattern.compile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\|");

  private static Set<String> groupsOnTheClassPath() {
    Path repository =
        Path.of(
            System.getProperty(
                "shelfstream.repository", System.getProperty("user.home") + "/.m2/repository"));
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return Arrays.stream(classPath.split(File.pathSeparator))
        .map(Path::of)
        .filter(jar -> jar.startsWith(repository))
        .map(repository::relativize)
        // GROUP/WITH/SLASHES/ARTEFACT/VERSION/FILE
        .map(jar -> jar.subpath(0, jar.getNameCount() - 3).toString().replace('/', '.'))
        .filter(group -> !group.equals("io.shelfstream"))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void everyGroupHasItsRowAndEveryRowItsGroup() throws IOException {
    Set<String> rows =
        ROW.matcher(Files.readString(PAGE))
            .results()
            .map(row -> row.group(1))
            .collect(Collectors.toCollection(TreeSet::new));
    Set<String> groups = groupsOnTheClassPath();
    assertThat(groups).as("libraries of the local repository").contains("org.apache.kafka");
    assertThat(rows).as("rows of docs/licences.md").isEqualTo(groups);
  }

  @Test
  void everyRowNamesALicence() throws IOException {
    assertThat(ROW.matcher(Files.readString(PAGE)).results().map(MatchResult::group))
        .isNotEmpty()
        .noneMatch(row -> row.matches("(?i).*\\| *(unknown|\\?|) *\\|$"));
  }
}
