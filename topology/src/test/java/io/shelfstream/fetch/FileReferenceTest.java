package io.shelfstream.fetch;

import static io.shelfstream.fetch.Fetching.MAX_BYTES;
import static io.shelfstream.fetch.Fetching.fetched;
import static io.shelfstream.fetch.Fetching.files;
import static io.shelfstream.fetch.Fetching.reason;
import static io.shelfstream.fetch.Fetching.refused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.shelfstream.fetch.FetchException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FileReferenceTest {
  @TempDir Path folder;
  private Path root;
  private Path outside;

  @BeforeEach
  void makeFolders() throws IOException {
    root = Files.createDirectory(folder.resolve("root"));
    outside = Files.createDirectory(folder.resolve("root-of-others"));
    Files.write(root.resolve("a b#ü.jpg"), new byte[] {1, 2, 3});
    Files.write(outside.resolve("secret"), new byte[] {4});
  }

  @Test
  void readsAFileBelowARoot() throws Exception {
    String uri = root.resolve("a b#ü.jpg").toUri().toString();

    assertThat(fetched(files(root), uri)).containsExactly(1, 2, 3);
    assertThat(fetched(files(outside, root), uri.replace("file:///", "FILE:/")))
        .containsExactly(1, 2, 3);
  }

  @Test
  void readsBelowARootThatIsASymbolicLink() throws Exception {
    Path link = Files.createSymbolicLink(folder.resolve("link"), root);
    String behindLink = link.resolve("a b#ü.jpg").toUri().toString();
    String real = root.resolve("a b#ü.jpg").toUri().toString();

    assertThat(fetched(files(link), behindLink)).hasSize(3);
    assertThat(fetched(files(link), real)).hasSize(3);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "file:///etc/passwd",
        "file:/etc/passwd",
        "file:///no/such/file",
        "file:///dev/zero",
        "file:///proc/self/environ",
        "ROOT/../root-of-others/secret",
        "ROOT/%2e%2e/root-of-others/secret",
        "ROOT/%2E%2E%2Froot-of-others%2Fsecret",
        "ROOT/../root-of-others/missing",
        "ROOT/missing/../../root-of-others/secret",
        "ROOT-of-others/secret",
      })
  void forbidsWhatLiesOutsideWhetherItExistsOrNot(String uri) {
    String written = uri.replace("ROOT", "file://" + root);

    FetchException e = refused(files(root), written);

    assertThat(e.reason()).isEqualTo(Reason.FORBIDDEN_LOCATION);
    assertThat(e.retryable()).isFalse();
    assertThat(e).hasMessageContaining("images.allowed.roots");
  }

  @Test
  void forbidsSymbolicLinksThatLeadOutsideWhetherTheirTargetExistsOrNot() throws Exception {
    Files.createSymbolicLink(root.resolve("file"), outside.resolve("secret"));
    Files.createSymbolicLink(root.resolve("folder"), outside);
    Files.createSymbolicLink(root.resolve("dangling"), outside.resolve("missing"));

    for (String name :
        new String[] {"file", "folder/secret", "folder/missing", "dangling", "folder/a/b"}) {
      assertThat(reason(files(root), "file://" + root + "/" + name))
          .as(name)
          .isEqualTo(Reason.FORBIDDEN_LOCATION);
    }
  }

  @Test
  void findsNothingWhereAFileBelowARootIsMissing() {
    for (String name : new String[] {"missing", "a/b/c", "a%20b%23%C3%BC.jpg/below-a-file"}) {
      assertThat(reason(files(root), "file://" + root + "/" + name))
          .as(name)
          .isEqualTo(Reason.NOT_FOUND);
    }
  }

  @Test
  void allowsNothingWithoutRoots() {
    assertThat(reason(files(), root.resolve("a b#ü.jpg").toUri().toString()))
        .isEqualTo(Reason.FORBIDDEN_LOCATION);
    assertThat(reason(files(folder.resolve("nowhere")), "file://" + folder + "/nowhere/x"))
        .isIn(Reason.FORBIDDEN_LOCATION, Reason.NOT_FOUND);
  }

  @Test
  void opensNeitherFoldersNorPipes() throws Exception {
    Path pipe = root.resolve("pipe");
    assumeTrue(
        new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor() == 0,
        "skipped: mkfifo does not work here");

    assertThat(reason(files(root), root.toUri().toString())).isEqualTo(Reason.FORBIDDEN_LOCATION);
    assertThat(reason(files(root), pipe.toUri().toString())).isEqualTo(Reason.FORBIDDEN_LOCATION);
  }

  @Test
  void stopsAtTheLimitWhateverTheFileSaysOfItsLength() throws Exception {
    Path exact = Files.write(root.resolve("exact"), new byte[MAX_BYTES]);
    Path longer = Files.write(root.resolve("longer"), new byte[MAX_BYTES + 1]);
    // Files of /proc say that they are empty, and are not.
    String lying = "file:///proc/kallsyms";

    assertThat(fetched(files(root), exact.toUri().toString())).hasSize(MAX_BYTES);
    assertThat(reason(files(root), longer.toUri().toString())).isEqualTo(Reason.TOO_MANY_BYTES);
    assumeTrue(Files.isReadable(Path.of("/proc/kallsyms")), "skipped: no /proc here");
    assertThat(reason(files(Path.of("/proc")), lying)).isEqualTo(Reason.TOO_MANY_BYTES);
  }

  @Test
  void refusesAnEmptyFile() throws Exception {
    Path empty = Files.createFile(root.resolve("empty.jpg"));

    assertThat(reason(files(root), empty.toUri().toString())).isEqualTo(Reason.EMPTY_IMAGE);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "   ",
        "image.jpg",
        "/etc/passwd",
        ":",
        "file:",
        "file:image.jpg",
        "file://host/image.jpg",
        "file:///a%00b",
        "file:///a%zz",
        "file:///a b",
        "file:///a?b",
        "file:///a#b",
        "ftp://example.com/image.jpg",
        "jar:file:///a.jar!/b",
      })
  void refusesWhatIsNoReference(String uri) {
    FetchException e = refused(files(root), uri);

    assertThat(e.reason()).isEqualTo(Reason.INVALID_REFERENCE);
    assertThat(e.retryable()).isFalse();
  }

  @Test
  void keepsMessagesShortHoweverLongTheReference() {
    String tail = "x".repeat(100_000);

    for (String start :
        new String[] {"file:///", "file://" + root + "/", "http://h/", "data:", "q:"}) {
      assertThat(refused(files(root), start + tail).getMessage()).as(start).hasSizeLessThan(2000);
    }
  }
}
