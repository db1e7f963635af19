package io.shelfstream.fetch;

import static io.shelfstream.fetch.Fetching.MAX_BYTES;
import static io.shelfstream.fetch.Fetching.fetched;
import static io.shelfstream.fetch.Fetching.reason;
import static io.shelfstream.fetch.Fetching.refused;
import static org.assertj.core.api.Assertions.assertThat;

import io.shelfstream.HeldPort;
import io.shelfstream.fetch.FetchException.Reason;
import io.shelfstream.s3.S3Server;
import io.shelfstream.s3.S3Settings;
import io.shelfstream.s3.SdkCredentials;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a store may answer. {@code S3ServerIT} has a real one. */
class S3ReferenceTest {
  private static final String OK = "HTTP/1.1 200 OK\r\n";

  private SdkCredentials credentials;

  @BeforeEach
  void giveCredentials() {
    credentials = new SdkCredentials(S3Server.CREDENTIALS);
  }

  @AfterEach
  void takeThemBack() {
    credentials.close();
  }

  private static FetchPolicy store(String host, Duration deadline, String... buckets) {
    return new FetchPolicy(
        List.of(),
        true,
        HttpRules.NONE,
        new BucketRules(
            List.of(buckets),
            new S3Settings(Optional.of(URI.create("http://" + host)), Optional.empty(), true)),
        new FetchLimits(MAX_BYTES, Duration.ofMinutes(1), deadline));
  }

  private static FetchPolicy store(RawServer server) {
    return store(server.host(), Fetching.DEADLINE, "frames");
  }

  private static RawServer answering(String answer) throws Exception {
    return new RawServer(out -> RawServer.send(out, answer));
  }

  private static String error(int status, String code) {
    String body = "<Error><Code>%s</Code><Message>m</Message></Error>".formatted(code);
    return "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
        .formatted(status, body.length(), body);
  }

  @ParameterizedTest
  @CsvSource({
    "s3://frames/a/b.jpg, /frames/a/b.jpg",
    "s3://frames/a b+c%25.jpg, /frames/a%20b%2Bc%25.jpg",
    "s3://frames/\u00fc.jpg, /frames/%C3%BC.jpg",
    "s3://frames/../../etc/passwd, /frames/../../etc/passwd",
    "s3://frames//a//b, /frames/%2Fa/%2Fb", // the same, and nothing on the way joins them
    "s3://frames/a?versionId=7, /frames/a?versionId=7",
  })
  void asksForTheKeyAsItIs(String uri, String path) throws Exception {
    try (RawServer store = answering(OK + "Content-Length: 1\r\n\r\nx")) {
      assertThat(fetched(store(store), uri)).asString().isEqualTo("x");

      assertThat(store.requests())
          .singleElement()
          .satisfies(
              head ->
                  assertThat(head)
                      .startsWith("GET " + path + " HTTP/1.1\r\n")
                      .contains("Authorization: AWS4-HMAC-SHA256 Credential=shelf/")
                      .doesNotContain(S3Server.CREDENTIALS.get("AWS_SECRET_ACCESS_KEY")));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "404, NoSuchKey, NOT_FOUND, 1, ''",
    "404, NoSuchVersion, NOT_FOUND, 1, ''",
    "404, NoSuchBucket, NOT_FOUND, 1, ''",
    "403, AccessDenied, FETCH_FAILED, 1, s3:GetObject",
    "403, InvalidObjectState, FETCH_FAILED, 1, restore",
    "301, PermanentRedirect, FETCH_FAILED, 1, images.s3.region",
    "400, AuthorizationHeaderMalformed, FETCH_FAILED, 1, images.s3.region",
    "400, InvalidRequest, FETCH_FAILED, 1, ''",
    "403, InvalidAccessKeyId, FETCH_FAILED, 0, credentials",
    "403, SignatureDoesNotMatch, FETCH_FAILED, 0, credentials",
    "400, ExpiredToken, FETCH_FAILED, 0, credentials",
    "500, InternalError, FETCH_FAILED, 0, ''",
    "503, SlowDown, FETCH_FAILED, 0, ''",
    "503, ServiceUnavailable, FETCH_FAILED, 0, ''",
    "429, TooManyRequests, FETCH_FAILED, 0, ''",
    "400, RequestTimeout, FETCH_FAILED, 0, ''",
  })
  void tellsWhatMayWorkLaterFromWhatWillNot(
      int status, String code, Reason reason, int lasting, String remedy) throws Exception {
    try (RawServer store = answering(error(status, code))) {
      FetchException e = refused(store(store), "s3://frames/a.jpg");

      assertThat(e.reason()).isEqualTo(reason);
      assertThat(e.retryable()).isEqualTo(lasting == 0);
      assertThat(e).hasMessageContainingAll("s3://frames/a.jpg", code, remedy);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "s3://other/a.jpg, FORBIDDEN_LOCATION, images.allowed.buckets",
    "s3://frame/a.jpg, FORBIDDEN_LOCATION, images.allowed.buckets",
    "s3://Frames/a.jpg, FORBIDDEN_LOCATION, images.allowed.buckets",
    "s3://frames.evil/a.jpg, FORBIDDEN_LOCATION, images.allowed.buckets",
    "s3://frames/, INVALID_REFERENCE, s3://bucket/key",
    "s3:frames/a, INVALID_REFERENCE, s3://bucket",
    "s3://shelf:hunter2@frames/a, INVALID_REFERENCE, credentials",
    "s3://frames/a?X-Amz-Signature=hunter2, INVALID_REFERENCE, versionId",
  })
  void asksOnlyAllowedBuckets(String uri, Reason reason, String remedy) throws Exception {
    try (RawServer store = answering(OK + "Content-Length: 1\r\n\r\nx")) {
      FetchException e = refused(store(store), uri);

      assertThat(e.reason()).isEqualTo(reason);
      assertThat(e).hasMessageContaining(remedy).hasMessageNotContaining("hunter2");
      assertThat(store.requests()).isEmpty();
    }
  }

  @Test
  void allowsNoBucketUnlessOneIsNamed() {
    assertThat(refused(Fetching.files(), "s3://frames/a.jpg"))
        .hasMessageContaining("images.allowed.buckets");
  }

  @Test
  void holdsTheLimitWhateverTheLengthSays() throws Exception {
    String exact = OK + "Content-Length: %d\r\n\r\n%s".formatted(MAX_BYTES, "x".repeat(MAX_BYTES));
    try (RawServer store = answering(exact)) {
      assertThat(fetched(store(store), "s3://frames/a")).hasSize(MAX_BYTES);
    }
    for (String head : List.of("Transfer-Encoding: chunked", "Content-Length: 9999999999")) {
      try (RawServer endless =
          new RawServer(
              out -> {
                RawServer.send(out, OK + head + "\r\n\r\n");
                while (true) {
                  RawServer.send(out, head.startsWith("T") ? "4\r\nabcd\r\n" : "abcd");
                }
              })) {
        long start = System.nanoTime();

        assertThat(reason(store(endless), "s3://frames/a")).isEqualTo(Reason.TOO_MANY_BYTES);
        assertThat(Duration.ofNanos(System.nanoTime() - start))
            .isLessThan(Fetching.DEADLINE.dividedBy(2));
        assertThat(endless.requests()).hasSize(1);
      }
    }
  }

  @Test
  void endsAtTheDeadlineHoweverSlowlyBytesCome() throws Exception {
    Duration deadline = Duration.ofMillis(1500);
    for (String start : List.of("", OK + "Content-Length: 900\r\n\r\n")) {
      try (RawServer slow =
          new RawServer(
              out -> {
                RawServer.send(out, start);
                while (true) {
                  Thread.sleep(25);
                  RawServer.send(out, start.isEmpty() ? "" : "x");
                }
              })) {
        FetchException e = refused(store(slow.host(), deadline, "frames"), "s3://frames/a");

        assertThat(e.reason()).isEqualTo(Reason.FETCH_TIMEOUT);
        assertThat(e.retryable()).isTrue();
      }
    }
  }

  @Test
  void triesOnceMoreWhenABodyBreaksOff() throws Exception {
    try (RawServer shorter = answering(OK + "Content-Length: 100\r\n\r\nabc")) {
      FetchException e = refused(store(shorter), "s3://frames/a");

      assertThat(e.reason()).isEqualTo(Reason.FETCH_FAILED);
      assertThat(e.retryable()).isTrue();
      assertThat(shorter.requests()).hasSize(2);
    }
  }

  @Test
  void saysThatNobodyListens() throws Exception {
    try (HeldPort port = new HeldPort()) {
      FetchException e =
          refused(
              store("127.0.0.1:" + port.number(), Fetching.DEADLINE, "frames"), "s3://frames/a");

      assertThat(e.reason()).isEqualTo(Reason.FETCH_FAILED);
      assertThat(e.retryable()).isTrue();
    }
  }

  @Test
  void saysWhatToDoWithoutCredentials() throws Exception {
    credentials.close();
    System.setProperty("aws.disableEc2Metadata", "true");
    try (RawServer store = answering(OK + "Content-Length: 1\r\n\r\nx")) {
      FetchException e = refused(store(store), "s3://frames/a");

      assertThat(e).hasMessageContaining("AWS_ACCESS_KEY_ID");
      assertThat(store.requests()).isEmpty();
    } finally {
      System.clearProperty("aws.disableEc2Metadata");
    }
  }
}
