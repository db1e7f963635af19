package io.shelfstream.fetch;

import static io.shelfstream.fetch.Fetching.fetched;
import static io.shelfstream.fetch.Fetching.files;
import static io.shelfstream.fetch.Fetching.hosts;
import static io.shelfstream.fetch.Fetching.reason;
import static io.shelfstream.fetch.Fetching.refused;
import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.fetch.FetchException.Reason;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ReferencesTest {
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n";

  @ParameterizedTest
  @CsvSource({
    "/货架.jpg, /%E8%B4%A7%E6%9E%B6.jpg",
    "/%E8%B4%A7.jpg, /%E8%B4%A7.jpg",
    "/e\u0301.jpg, /e%CC%81.jpg",
    "/😀.jpg?name=é&b=+%2B, /%F0%9F%98%80.jpg?name=%C3%A9&b=+%2B",
    "//a.jpg, //a.jpg",
    "/a%2Fb.jpg#part, /a%2Fb.jpg",
    "?id=1, /?id=1"
  })
  void asksForExactlyWhatIsWritten(String written, String asked) throws Exception {
    try (RawServer server = new RawServer(out -> RawServer.send(out, OK + "\r\nx"))) {
      assertThat(fetched(hosts("127.0.0.1"), "http://" + server.host() + written)).hasSize(1);

      assertThat(server.requests().peek()).startsWith("GET " + asked + " HTTP/1.1");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "/货架.jpg, /%E8%B4%A7%E6%9E%B6.jpg",
    "?v=2, /from.jpg?v=2",
    "é.jpg, /%C3%A9.jpg",
  })
  void followsARedirectOfAnyLetters(String location, String asked) throws Exception {
    String sent =
        new String(location.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    try (RawServer server =
        new RawServer(
            out -> RawServer.send(out, "HTTP/1.1 302 Found\r\nLocation: " + sent + "\r\n\r\n"))) {
      assertThat(reason(hosts("127.0.0.1"), "http://" + server.host() + "/from.jpg"))
          .isEqualTo(Reason.FETCH_FAILED); // it redirects for ever

      assertThat(server.requests()).anyMatch(r -> r.startsWith("GET " + asked + " HTTP/1.1"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "identity", "aws-chunked", "aws-chunked,", "AWS-Chunked, identity"})
  void takesWhatStoresSayOfPlainBytes(String encoding) throws Exception {
    String head = OK + "Content-Encoding: " + encoding + "\r\n\r\nx";
    try (RawServer server = new RawServer(out -> RawServer.send(out, head))) {
      assertThat(fetched(hosts("127.0.0.1"), server.uri())).hasSize(1);
    }
  }

  @Test
  void refusesOtherEncodingsBesideThem() throws Exception {
    for (String more : new String[] {"aws-chunked,gzip", "identity\r\nContent-Encoding: br", "x"}) {
      String head = OK + "Content-Encoding: " + more + "\r\n\r\nx";
      try (RawServer server = new RawServer(out -> RawServer.send(out, head))) {
        assertThat(reason(hosts("127.0.0.1"), server.uri())).isEqualTo(Reason.FETCH_FAILED);
      }
    }
  }

  @Test
  void knowsHostsThatJavaCallsNone() {
    assertThat(refused(hosts("other"), "http://image_store:8080/a.jpg").reason())
        .isEqualTo(Reason.FORBIDDEN_LOCATION);
    assertThat(reason(hosts("image_store:8080"), "http://image_store:8080/a.jpg"))
        .isEqualTo(Reason.FETCH_FAILED); // it cannot be resolved
    assertThat(reason(hosts("xn--bcher-kva.invalid"), "http://bücher.invalid/a.jpg"))
        .isEqualTo(Reason.FETCH_FAILED);
    for (String none :
        new String[] {
          "http://image_store:99999/",
          "http://user@image_store/",
          "http://a_b@c_d/",
          "http://_.1/",
          "http://%E8%B4%A7/",
          "http://\ud800/",
          "http://h/\ud800",
          "http:\\\\h\\a"
        }) {
      assertThat(reason(hosts("image_store", "h", "c_d"), none))
          .as(none)
          .isEqualTo(Reason.INVALID_REFERENCE);
    }
  }

  @Test
  void readsFilesOfAnyName(@TempDir Path root) throws Exception {
    for (String name : new String[] {"été.jpg", "货架.jpg", "e\u0301.jpg", "全\u3000角.jpg"}) {
      Path file = Files.write(root.resolve(name), new byte[] {1});

      assertThat(fetched(files(root), "file://" + root + "/" + name)).hasSize(1);
      assertThat(fetched(files(root), file.toUri().toString())).hasSize(1);
      Files.delete(file);
    }
    Files.write(root.resolve("e\u0301.jpg"), new byte[] {1});
    assertThat(reason(files(root), "file://" + root + "/\u00e9.jpg")).isEqualTo(Reason.NOT_FOUND);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://h/p.jpg?X-Amz-Signature=SECRET",
        "http://h/p.jpg?SECRET",
        "http://h/p.jpg#access_token=SECRET",
        "http://user:SECRET@h/p.jpg",
        "http://SECRET@h_1/p.jpg",
        "https:SECRET@h/p.jpg",
        "s3://key:SECRET@bucket/p.jpg?sig=SECRET",
        "HTTP:\\\\u:SECRET@h\\p.jpg",
        "data:image/png;base64,SECRET",
        "http://user:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
            + "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
            + "xxxxSECRETxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx@h/p.jpg"
      })
  void repeatsNoSecret(String uri) {
    assertThat(References.withoutSecrets(uri)).doesNotContain("SECRET");
    assertThat(References.id(uri)).doesNotContain("SECRET");
    assertThat(refused(hosts("h", "h_1"), uri.replace("http://h/", "http://other/")))
        .message()
        .doesNotContain(uri.startsWith("https:S") || uri.startsWith("HTTP:") ? "\0" : "SECRET");
  }

  @Test
  void anIdOutlivesTheSignature() {
    assertThat(References.id("https://s/a.jpg?X-Amz-Date=1&sig=a"))
        .isEqualTo(References.id("https://s/a.jpg?X-Amz-Date=2&sig=b"))
        .isEqualTo("https://s/a.jpg");
    assertThat(References.id("data:,a")).hasSize(71).isNotEqualTo(References.id("data:,b"));
    assertThat(References.withoutSecrets("file:///a/b@c.jpg")).isEqualTo("file:///a/b@c.jpg");
    assertThat(References.holdsSecret("https://s/a.jpg?id=5")).isFalse();
    assertThat(References.holdsSecret("4006381333931/front.jpg")).isFalse();
    assertThat(References.holdsSecret("https://s/a.jpg?a=1&X-Amz-Signature=b")).isTrue();
    assertThat(References.holdsSecret("data:,a")).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "YW Jj",
        "!!!YWJj",
        "YWJj*",
        "YWJjY",
        "YW=Jj",
        "YWI==",
        "YWI=YWI=",
        "YWK",
        "YW\tJj",
        "-_+/",
        "YWJj#x",
        "YW%20Jj",
        "%E8YWJj",
        "YWJj\u00e9",
        "====",
        "YW",
        "Y%"
      })
  void refusesWhatIsNotBase64(String body) {
    // "YW" ends with bits that belong to no byte when its last letter is not one of A, Q, g, w.
    String text = body.equals("YW") ? "YX" : body;

    assertThat(reason(files(), "data:image/png;base64," + text))
        .isEqualTo(Reason.INVALID_REFERENCE);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"++//", "--__", "++/\r\n/", "%2B+/%2F", "\n++//\n", "++%0D%0A//", "-%2D__"})
  void takesBothAlphabetsAndWrappedLines(String body) throws Exception {
    assertThat(fetched(files(), "data:image/png; base64," + body))
        .isEqualTo(Base64.getDecoder().decode("++//"));
  }
}
