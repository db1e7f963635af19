package io.shelfstream.fetch;

import static io.shelfstream.fetch.Fetching.DEADLINE;
import static io.shelfstream.fetch.Fetching.MAX_BYTES;
import static io.shelfstream.fetch.Fetching.fetched;
import static io.shelfstream.fetch.Fetching.hosts;
import static io.shelfstream.fetch.Fetching.publicHosts;
import static io.shelfstream.fetch.Fetching.reason;
import static io.shelfstream.fetch.Fetching.refused;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.shelfstream.HeldPort;
import io.shelfstream.fetch.FetchException.Reason;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HttpReferenceTest {
  private static final String HEAD = "HTTP/1.1 200 OK\r\n";

  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Queue<String> paths = new ConcurrentLinkedQueue<>();
  private HttpServer server;
  private String host;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(RawServer.LOOPBACK, 0), 0);
    server.setExecutor(threads);
    server.start();
    host = "127.0.0.1:" + server.getAddress().getPort();
  }

  @AfterEach
  void stop() {
    server.stop(0);
    threads.shutdownNow();
  }

  @Test
  void fetchesAnImage() throws Exception {
    answer("/a.jpg", 200, new byte[] {1, 2});

    assertThat(fetched(hosts(host), uri("/a.jpg?size=1"))).containsExactly(1, 2);
    assertThat(fetched(hosts("127.0.0.1"), uri("/a.jpg").replace("http:", "HTTP:"))).hasSize(2);
  }

  @Test
  void followsRedirectsRelativeOnesToo() throws Exception {
    redirect("/one", "/folder/two");
    redirect("/folder/two", "three");
    redirect("/folder/three", "http://" + host + "/a.jpg");
    answer("/a.jpg", 200, new byte[] {7});

    assertThat(fetched(hosts(host), uri("/one"))).containsExactly(7);
  }

  @Test
  void givesUpOnARedirectLoop() {
    redirect("/loop", "/loop");

    assertThat(reason(hosts(host), uri("/loop"))).isEqualTo(Reason.FETCH_FAILED);
    assertThat(paths).as("one try of one start and three redirects").hasSize(4);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://localhost/",
        "http://[::1]/",
        "//192.168.0.1/",
        "file:///etc/passwd",
        "data:,abc",
        "gopher://127.0.0.1/",
        "HOST:0/",
      })
  void forbidsARedirectToAnywhereThatIsNotAllowed(String target) {
    redirect("/away", target.replace("HOST", "http://127.0.0.1"));

    assertThat(reason(hosts(host), uri("/away"))).isEqualTo(Reason.FORBIDDEN_LOCATION);
  }

  @ParameterizedTest
  @ValueSource(strings = {"http://a b/", "http://[", "%", "::", "http:///x", "http:", "\\\\x\\y"})
  void refusesARedirectToWhatIsNoUri(String target) {
    redirect("/away", target);

    assertThat(reason(hosts(host), uri("/away")))
        .isIn(Reason.FETCH_FAILED, Reason.FORBIDDEN_LOCATION, Reason.INVALID_REFERENCE);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://localhost:PORT/a.jpg",
        "http://127.0.0.1:PORT/a.jpg",
        "http://[::1]:PORT/a.jpg",
        "http://[::ffff:127.0.0.1]:PORT/a.jpg",
        "http://[::127.0.0.1]:PORT/a.jpg",
        "http://[64:ff9b::7f00:1]:PORT/a.jpg",
        "http://[2002:7f00:1::]:PORT/a.jpg",
        "http://[fd00::1]:PORT/a.jpg",
        "http://[fe80::1]:PORT/a.jpg",
        "http://[ff02::1]:PORT/a.jpg",
        "http://0.0.0.0:PORT/a.jpg",
        "http://[::]:PORT/a.jpg",
        "http://10.1.2.3:PORT/a.jpg",
        "http://172.16.0.1:PORT/a.jpg",
        "http://192.168.1.1:PORT/a.jpg",
        "http://169.254.169.254:PORT/a.jpg",
        "http://100.64.0.1:PORT/a.jpg",
        "http://224.0.0.1:PORT/a.jpg",
        "http://255.255.255.255:PORT/a.jpg",
      })
  void connectsToNoPrivateAddressEvenOfAnAllowedHost(String uri) {
    answer("/a.jpg", 200, new byte[] {1});
    String written = uri.replace("PORT", String.valueOf(server.getAddress().getPort()));
    String named = written.substring("http://".length(), written.lastIndexOf(':'));

    assertThat(reason(publicHosts(named), written)).isEqualTo(Reason.FORBIDDEN_LOCATION);
    assertThat(paths).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "example.com, http://evil.com/",
    "example.com, http://example.com.evil.com/",
    "example.com, http://evilexample.com/",
    "example.com, http://www.example.com/",
    "*.example.com, http://example.com/",
    "*.example.com, http://evilexample.com/",
    "example.com:8080, http://example.com/",
    "example.com:80, http://example.com:8080/",
    "example.com:80, https://example.com/",
    "example.com, http://evil.com#example.com",
    "example.com, http://evil.com?example.com",
    "'', http://example.com/",
  })
  void asksOnlyAllowedHosts(String allowed, String uri) {
    FetchPolicy policy = allowed.isEmpty() ? hosts() : hosts(allowed);

    FetchException e = refused(policy, uri);

    assertThat(e.reason()).isEqualTo(Reason.FORBIDDEN_LOCATION);
    assertThat(e).hasMessageContaining("images.allowed.hosts");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http:",
        "http:///a.jpg",
        "http:a.jpg",
        "http://a_b c/",
        "http://127.0.0.1:99999/a.jpg",
        "http://127.0.0.1:99999999999/a.jpg",
        "http://127.1/a.jpg",
        "http://user:secret@127.0.0.1/a.jpg",
      })
  void refusesAReferenceWithoutAUsableHost(String uri) {
    FetchException e = refused(hosts("127.0.0.1"), uri);

    assertThat(e.reason()).isEqualTo(Reason.INVALID_REFERENCE);
  }

  @ParameterizedTest
  @CsvSource({
    "404, NOT_FOUND, 1",
    "410, NOT_FOUND, 1",
    "401, FETCH_FAILED, 1",
    "403, FETCH_FAILED, 1",
    "400, FETCH_FAILED, 1",
    "206, FETCH_FAILED, 1",
    "304, FETCH_FAILED, 1",
    "500, FETCH_FAILED, 2",
    "503, FETCH_FAILED, 2",
    "429, FETCH_FAILED, 2",
  })
  void triesAgainOnlyWhatMayWorkLater(int status, Reason reason, int tries) {
    answer("/a.jpg", status, new byte[0]);

    FetchException e = refused(hosts(host), uri("/a.jpg"));

    assertThat(e.reason()).isEqualTo(reason);
    assertThat(e.retryable()).isEqualTo(tries > 1);
    assertThat(e).hasMessageContaining(String.valueOf(status));
    assertThat(paths).hasSize(tries);
  }

  @Test
  void recoversFromOneFailure() throws Exception {
    server.createContext(
        "/a.jpg",
        exchange -> {
          paths.add(exchange.getRequestURI().toString());
          send(exchange, paths.size() == 1 ? 500 : 200, new byte[] {5});
        });

    assertThat(fetched(hosts(host), uri("/a.jpg"))).containsExactly(5);
  }

  @Test
  void saysThatNobodyListens() throws Exception {
    try (HeldPort port = new HeldPort()) {
      FetchException e =
          refused(hosts("127.0.0.1"), "http://127.0.0.1:" + port.number() + "/a.jpg");

      assertThat(e.reason()).isEqualTo(Reason.FETCH_FAILED);
      assertThat(e.retryable()).isTrue();
    }
  }

  @Test
  void refusesAnEmptyBody() {
    answer("/a.jpg", 200, new byte[0]);

    assertThat(reason(hosts(host), uri("/a.jpg"))).isEqualTo(Reason.EMPTY_IMAGE);
  }

  @Test
  void takesAnImageOfExactlyTheLimit() throws Exception {
    answer("/exact.jpg", 200, new byte[MAX_BYTES]);
    answer("/longer.jpg", 200, new byte[MAX_BYTES + 1]);

    assertThat(fetched(hosts(host), uri("/exact.jpg"))).hasSize(MAX_BYTES);
    assertThat(reason(hosts(host), uri("/longer.jpg"))).isEqualTo(Reason.TOO_MANY_BYTES);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Transfer-Encoding: chunked",
        "Content-Length: 9999999999999",
        "Connection: close"
      })
  void stopsAtTheLimitOfABodyWithoutEnd(String header) throws Exception {
    try (RawServer endless =
        new RawServer(
            out -> {
              RawServer.send(out, HEAD + header + "\r\n\r\n");
              while (true) {
                RawServer.send(
                    out, header.contains("chunked") ? "4\r\nabcd\r\n" : "abcdefghijklmnop");
              }
            })) {
      long start = System.nanoTime();

      assertThat(reason(hosts(endless.host()), endless.uri())).isEqualTo(Reason.TOO_MANY_BYTES);
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(DEADLINE.dividedBy(2));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {302, 404, 500})
  void doesNotReadTheEndlessBodyOfAnotherAnswer(int status) throws Exception {
    answer("/a.jpg", 200, new byte[] {1});
    try (RawServer endless =
        new RawServer(
            out -> {
              RawServer.send(
                  out,
                  "HTTP/1.1 %d Else\r\nLocation: %s\r\nTransfer-Encoding: chunked\r\n\r\n"
                      .formatted(status, uri("/a.jpg")));
              while (true) {
                RawServer.send(out, "4\r\nabcd\r\n");
              }
            })) {
      long start = System.nanoTime();
      FetchPolicy policy = hosts(endless.host(), host);

      if (status == 302) {
        assertThat(fetched(policy, endless.uri())).hasSize(1);
      } else {
        assertThat(reason(policy, endless.uri()))
            .isEqualTo(status == 404 ? Reason.NOT_FOUND : Reason.FETCH_FAILED);
      }
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(DEADLINE.dividedBy(2));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"body", "head", "nothing"})
  void endsAtTheDeadlineHoweverSlowlyBytesCome(String part) throws Exception {
    try (RawServer slow =
        new RawServer(
            out -> {
              String start = part.equals("body") ? HEAD + "Content-Length: 900\r\n\r\n" : "";
              RawServer.send(out, start);
              for (int i = 0; true; i++) {
                Thread.sleep(25);
                if (!part.equals("nothing")) {
                  RawServer.send(out, part.equals("body") ? "x" : HEAD.substring(i % 9, i % 9 + 1));
                }
              }
            })) {
      long start = System.nanoTime();

      Duration deadline = Duration.ofMillis(1500);
      FetchException e = refused(hosts(deadline, slow.host()), slow.uri());

      assertThat(e.reason()).isEqualTo(Reason.FETCH_TIMEOUT);
      assertThat(e.retryable()).isTrue();
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isBetween(deadline.multipliedBy(9).dividedBy(10), DEADLINE.dividedBy(2));
    }
  }

  @Test
  void noticesABodyShorterThanItsLength() throws Exception {
    try (RawServer shorter =
        new RawServer(out -> RawServer.send(out, HEAD + "Content-Length: 100\r\n\r\nabc"))) {
      FetchException e = refused(hosts(shorter.host()), shorter.uri());

      assertThat(e.reason()).isEqualTo(Reason.FETCH_FAILED);
      assertThat(e.retryable()).isTrue();
      assertThat(shorter.requests()).hasSize(2);
    }
  }

  @Test
  void readsNoMoreThanTheLengthOfABody() throws Exception {
    try (RawServer longer =
        new RawServer(out -> RawServer.send(out, HEAD + "Content-Length: 3\r\n\r\nabcdef"))) {
      assertThat(fetched(hosts(longer.host()), longer.uri())).asString().isEqualTo("abc");
    }
  }

  @Test
  void doesNotUnpackABomb() throws Exception {
    byte[] bomb = gzip(50 << 20);
    answer("/a.jpg", 200, bomb, "Content-Encoding", "gzip");
    FetchPolicy policy =
        new FetchPolicy(
            List.of(),
            true,
            new HttpRules(new HostRules(List.of(host), true), 0, Optional.empty()),
            BucketRules.NONE,
            new FetchLimits(bomb.length, DEADLINE, DEADLINE));

    FetchException e = refused(policy, uri("/a.jpg"));

    assertThat(e.reason()).isEqualTo(Reason.FETCH_FAILED);
    assertThat(e).hasMessageContaining("gzip");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "not http at all",
        "HTTP/1.1 banana\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nabc",
        "HTTP/1.1 302 Found\r\n\r\n",
        "",
      })
  void survivesAServerThatSpeaksNoHttp(String answer) throws Exception {
    try (RawServer odd = new RawServer(out -> RawServer.send(out, answer))) {
      assertThat(reason(hosts(odd.host()), odd.uri())).isEqualTo(Reason.FETCH_FAILED);
    }
  }

  @Test
  void refusesHeadersWithoutEnd() throws Exception {
    try (RawServer odd =
        new RawServer(
            out -> {
              RawServer.send(out, HEAD);
              while (true) {
                RawServer.send(out, "X-Header: " + "x".repeat(100) + "\r\n");
              }
            })) {
      assertThat(reason(hosts(odd.host()), odd.uri())).isEqualTo(Reason.FETCH_FAILED);
    }
  }

  @Test
  void sendsNeitherCookiesNorCredentialsNorOffersEncodings() throws Exception {
    try (RawServer server =
        new RawServer(
            out -> RawServer.send(out, HEAD + "Set-Cookie: a=b\r\nContent-Length: 1\r\n\r\nx"))) {
      try (ImageFetcher fetcher = new ImageFetcher(hosts(server.host()))) {
        fetcher.fetch(server.uri(), null);
        fetcher.fetch(server.uri(), null);
      }

      assertThat(server.requests())
          .hasSize(2)
          .allSatisfy(
              head ->
                  assertThat(head.toLowerCase(Locale.ROOT))
                      .contains("accept-encoding: identity")
                      .doesNotContain("cookie", "authorization", "upgrade", "gzip"));
    }
  }

  @Test
  void takesNoProxyFromTheEnvironment() throws Exception {
    answer("/a.jpg", 200, new byte[] {1});
    try (RawServer proxy = new RawServer(out -> RawServer.send(out, HEAD + "\r\nproxied"))) {
      System.setProperty("http.proxyHost", "127.0.0.1");
      System.setProperty("http.proxyPort", proxy.host().substring("127.0.0.1:".length()));
      System.setProperty("http.nonProxyHosts", "");
      try {
        assertThat(fetched(hosts(host), uri("/a.jpg"))).containsExactly(1);
      } finally {
        System.clearProperty("http.proxyHost");
        System.clearProperty("http.proxyPort");
        System.clearProperty("http.nonProxyHosts");
      }
      assertThat(proxy.requests()).isEmpty();
    }
  }

  @Test
  void showsNoSecretOfAReferenceInItsMessage() {
    answer("/a.jpg", 403, new byte[0]);

    assertThat(refused(hosts(host), uri("/a.jpg?signature=hunter2")))
        .hasMessageNotContaining("hunter2")
        .hasMessageContaining(host + "/a.jpg");
    assertThat(refused(hosts(host), "http://user:hunter2@" + host + "/a.jpg"))
        .hasMessageNotContaining("hunter2");
  }

  @Test
  void servesManyThreadsAtOnce() throws Exception {
    answer("/a.jpg", 200, new byte[] {1, 2, 3});
    try (ImageFetcher fetcher = new ImageFetcher(hosts(host))) {
      var fetches =
          java.util.stream.IntStream.range(0, 200)
              .mapToObj(i -> threads.submit(() -> fetcher.fetch(uri("/a.jpg"), null).length))
              .toList();

      for (var fetch : fetches) {
        assertThat(fetch.get()).isEqualTo(3);
      }
    }
  }

  private String uri(String path) {
    return "http://" + host + path;
  }

  private void redirect(String path, String location) {
    answer(path, 302, new byte[0], "Location", location);
  }

  private void answer(String path, int status, byte[] body, String... header) {
    server.createContext(
        path,
        exchange -> {
          paths.add(exchange.getRequestURI().toString());
          if (header.length > 0) {
            exchange.getResponseHeaders().add(header[0], header[1]);
          }
          send(exchange, status, body);
        });
  }

  private static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
    try (exchange) {
      exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
      if (body.length > 0) {
        try (OutputStream out = exchange.getResponseBody()) {
          out.write(body);
        }
      }
    }
  }

  private static byte[] gzip(int zeros) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(new byte[zeros]);
    }
    return bytes.toByteArray();
  }
}
