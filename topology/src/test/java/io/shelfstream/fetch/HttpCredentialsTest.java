package io.shelfstream.fetch;

import static io.shelfstream.fetch.Fetching.DEADLINE;
import static io.shelfstream.fetch.Fetching.MAX_BYTES;
import static io.shelfstream.fetch.Fetching.refused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HttpCredentialsTest {
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";

  private Path file;

  @BeforeEach
  void name(@TempDir Path folder) {
    file = folder.resolve("credentials");
  }

  private void write(String... lines) throws Exception {
    Files.write(file, List.of(lines));
  }

  private FetchPolicy policy(String... hosts) {
    return new FetchPolicy(
        List.of(),
        true,
        new HttpRules(new HostRules(List.of(hosts), true), 3, Optional.of(file)),
        BucketRules.NONE,
        new FetchLimits(MAX_BYTES, DEADLINE, DEADLINE));
  }

  private static String header(HttpCredentials credentials, String uri) {
    HttpCredentials.Credential found = credentials.forHostOf(URI.create(uri));
    return found == null ? "none" : found.header();
  }

  @Test
  void belongToOneSchemeHostAndPort() throws Exception {
    write(
        "# cameras",
        "",
        "https://Images.example.com  bearer  abc.def",
        "http://10.0.0.7:8080/ basic user:pass word: #1");
    HttpCredentials credentials = HttpCredentials.of(file);

    assertThat(header(credentials, "https://images.EXAMPLE.com:443/a?b"))
        .isEqualTo("Bearer abc.def");
    assertThat(header(credentials, "http://10.0.0.7:8080/x"))
        .isEqualTo("Basic dXNlcjpwYXNzIHdvcmQ6ICMx");
    for (String other :
        List.of(
            "http://images.example.com/a",
            "https://images.example.com:8443/a",
            "https://www.images.example.com/a",
            "https://example.com/a",
            "http://10.0.0.7/x",
            "https://10.0.0.7:8080/x")) {
      assertThat(header(credentials, other)).as(other).isEqualTo("none");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://a.example.com bearer",
        "https://a.example.com digest hunter2",
        "https://a.example.com basic hunter2",
        "https://a.example.com bearer hunter2 hunter2",
        "a.example.com basic user:hunter2",
        "ftp://a.example.com basic user:hunter2",
        "https://a.example.com/path basic user:hunter2",
        "https://user:hunter2@a.example.com basic user:hunter2",
        "https://*.example.com basic user:hunter2",
        "https:// basic user:hunter2",
        "https://b.example.com basic user:hunter2",
      })
  void namesAWrongLineAndNoSecret(String line) throws Exception {
    write("https://b.example.com bearer other", line);

    assertThatThrownBy(() -> HttpCredentials.of(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("line 2 of " + file, "basic USER:PASSWORD")
        .hasMessageNotContaining("hunter2");
  }

  @Test
  void readsAChangedFileAgainAndKeepsTheOldOnesOfABrokenOne() throws Exception {
    write("https://a.example.com bearer one");
    HttpCredentials credentials = HttpCredentials.of(file);

    write("https://a.example.com bearer two");
    Files.setLastModifiedTime(file, FileTime.fromMillis(1_000));
    assertThat(header(credentials, "https://a.example.com/")).isEqualTo("Bearer two");

    write("https://a.example.com");
    Files.setLastModifiedTime(file, FileTime.fromMillis(2_000));
    assertThat(header(credentials, "https://a.example.com/")).isEqualTo("Bearer two");
    Files.delete(file);
    assertThat(header(credentials, "https://a.example.com/")).isEqualTo("Bearer two");
  }

  @Test
  void goToTheirHostAndToNoOtherThatItRedirectsTo() throws Exception {
    try (RawServer other = new RawServer(out -> RawServer.send(out, OK));
        RawServer named =
            new RawServer(
                out ->
                    RawServer.send(
                        out,
                        "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"
                            .formatted(other.uri())))) {
      write("http://%s bearer hunter2".formatted(named.host()));

      assertThat(Fetching.fetched(policy(named.host(), other.host()), named.uri())).hasSize(1);

      assertThat(named.requests())
          .singleElement()
          .satisfies(head -> assertThat(head).contains("Authorization: Bearer hunter2\r\n"));
      assertThat(other.requests())
          .singleElement()
          .satisfies(
              head ->
                  assertThat(head.toLowerCase(Locale.ROOT))
                      .doesNotContain("authorization", "hunter2"));
    }
  }

  @Test
  void areNotShownByAnything() throws Exception {
    try (RawServer server =
        new RawServer(out -> RawServer.send(out, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"))) {
      write("http://%s basic user:hunter2".formatted(server.host()));

      FetchException e = refused(policy(server.host()), server.uri());

      assertThat(e)
          .hasMessageContainingAll("401", "images.http.credentials")
          .hasMessageNotContaining("hunter2");
      assertThat(server.requests()).hasSize(1);
      assertThat(String.valueOf(HttpCredentials.of(file).forHostOf(URI.create(server.uri()))))
          .isEqualTo("basic ****");
    }
  }
}
