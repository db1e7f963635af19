package io.shelfstream.fetch;

import io.shelfstream.fetch.FetchException.Reason;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.io.Closer;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/**
 * Images over http and https. Redirects are followed here, each hop checked like the first;
 * addresses are checked where names are resolved, so the checked address is the one that is
 * connected to.
 */
final class HttpSource implements AutoCloseable {
  private static final int TRIES = 2;
  private static final Duration PAUSE = Duration.ofMillis(200);
  private static final int CONNECTIONS = 32;
  private static final int MOST_PORT = 65_535;
  private static final Set<String> IDENTITIES = Set.of("identity", "aws-chunked");

  private final HttpRules rules;
  private final FetchLimits limits;
  private final @Nullable HttpCredentials credentials;
  private final CloseableHttpClient client;
  private final ScheduledExecutorService deadlines;

  /**
   * @throws IllegalArgumentException when the file of credentials cannot be used
   */
  HttpSource(HttpRules rules, FetchLimits limits) {
    this.rules = rules;
    this.limits = limits;
    this.credentials = rules.credentials().map(HttpCredentials::of).orElse(null);
    Timeout connect = Timeout.of(limits.connectTimeout());
    Timeout read = Timeout.of(limits.readTimeout());
    PoolingHttpClientConnectionManager connections =
        PoolingHttpClientConnectionManagerBuilder.create()
            .setDnsResolver(new CheckedResolver(rules.hosts()))
            .setDefaultConnectionConfig(
                ConnectionConfig.custom().setConnectTimeout(connect).setSocketTimeout(read).build())
            .setMaxConnTotal(CONNECTIONS)
            .setMaxConnPerRoute(CONNECTIONS)
            .build();
    this.client =
        HttpClients.custom()
            .setConnectionManager(connections)
            .setDefaultRequestConfig(
                RequestConfig.custom()
                    .setConnectionRequestTimeout(read)
                    .setResponseTimeout(read)
                    .build())
            .disableRedirectHandling()
            .disableCookieManagement()
            .disableAuthCaching()
            .disableAutomaticRetries()
            // The limit counts the bytes that arrive, so nothing may be decompressed afterwards.
            .disableContentCompression()
            .build();
    this.deadlines =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "image-fetch-deadlines");
              thread.setDaemon(true);
              return thread;
            });
  }

  byte[] fetch(URI uri) throws FetchException {
    long deadline = System.nanoTime() + limits.readTimeout().toNanos();
    for (int attempt = 1; ; attempt++) {
      try {
        return follow(uri, deadline);
      } catch (FetchException e) {
        boolean again = e.retryable() && attempt < TRIES;
        if (!again || System.nanoTime() + PAUSE.toNanos() >= deadline) {
          throw e;
        }
        pause(e);
      }
    }
  }

  private static void pause(FetchException before) throws FetchException {
    try {
      Thread.sleep(PAUSE.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw before;
    }
  }

  private byte[] follow(URI start, long deadline) throws FetchException {
    URI uri = start;
    for (int hop = 0; hop <= rules.maxRedirects(); hop++) {
      check(uri, start);
      Answer answer = get(uri, deadline);
      if (answer.image() != null) {
        return answer.image();
      }
      uri = References.redirected(uri, String.valueOf(answer.location()));
    }
    throw FetchException.lasting(
        "%s redirects more than %d times (images.max.redirects)"
            .formatted(shown(start), rules.maxRedirects()));
  }

  private void check(URI uri, URI start) throws FetchException {
    String scheme = String.valueOf(uri.getScheme());
    boolean http = scheme.equalsIgnoreCase("http") || scheme.equalsIgnoreCase("https");
    if (http && String.valueOf(uri.getRawAuthority()).indexOf('@') >= 0) {
      throw new FetchException(
          Reason.INVALID_REFERENCE,
          "'"
              + shown(uri)
              + "' names a user, which is never taken from a reference; use images.http.credentials, or publish a presigned URL");
    }
    if (http && (References.host(uri) == null || References.port(uri) > MOST_PORT)) {
      throw new FetchException(
          Reason.INVALID_REFERENCE, "'" + shown(uri) + "' names no host, or no port below 65536");
    }
    if (!http || !rules.hosts().allows(uri)) {
      String way = uri.equals(start) ? "" : ", where " + shown(start) + " redirects to,";
      throw new FetchException(
          Reason.FORBIDDEN_LOCATION,
          "%s%s is not on an allowed host %s; add it to images.allowed.hosts"
              .formatted(shown(uri), way, rules.hosts().allowedHosts()));
    }
  }

  /** An image, or where a redirect leads. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Answer(byte @Nullable [] image, @Nullable String location) {}

  /** One request; aborted at the deadline however slowly bytes keep coming. */
  private Answer get(URI uri, long deadline) throws FetchException {
    HttpGet request = new HttpGet(uri);
    request.setHeader("Accept", "image/*");
    request.setHeader("Accept-Encoding", "identity");
    HttpCredentials.Credential credential = credentials == null ? null : credentials.forHostOf(uri);
    if (credential != null) {
      request.setHeader("Authorization", credential.header());
    }
    ScheduledFuture<?> abort =
        deadlines.schedule(
            request::abort, Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
    try {
      ClassicHttpResponse response = client.executeOpen(null, request, null);
      try {
        return read(uri, response);
      } finally {
        // Closing would first read what is left of the body, which may have no end. A connection
        // whose body was read to its end is back in the pool by now and stays there.
        request.abort();
        Closer.closeQuietly(response);
      }
    } catch (IOException e) {
      throw failure(uri, e, System.nanoTime() >= deadline);
    } finally {
      abort.cancel(false);
    }
  }

  private Answer read(URI uri, ClassicHttpResponse response) throws IOException, FetchException {
    int status = response.getCode();
    Header location = response.getFirstHeader("Location");
    if (status / 100 == 3 && location != null) {
      return new Answer(null, location.getValue());
    }
    if (status == 404 || status == 410) {
      throw new FetchException(Reason.NOT_FOUND, shown(uri) + " answers " + status);
    }
    if (status >= 500 || status == 429 || status == 408) {
      throw new FetchException(Reason.FETCH_FAILED, shown(uri) + " answers " + status);
    }
    if (status == 401) {
      throw FetchException.lasting(
          shown(uri) + " answers 401; give the credentials of its host in images.http.credentials");
    }
    if (status != 200) {
      throw FetchException.lasting(shown(uri) + " answers " + status + " instead of 200");
    }
    if (response.getEntity() == null) {
      return new Answer(new byte[0], null);
    }
    for (Header encoding : response.getHeaders("Content-Encoding")) {
      if (!leavesBytesAlone(encoding.getValue())) {
        throw FetchException.lasting(
            "%s answers in encoding %s, which was not asked for"
                .formatted(shown(uri), References.shown(encoding.getValue())));
      }
    }
    return new Answer(
        BoundedBytes.read(response.getEntity().getContent(), limits.maxBytes(), shown(uri)), null);
  }

  /** Stores also send an empty value, or {@code aws-chunked}, which describes the upload. */
  private static boolean leavesBytesAlone(@Nullable String encodings) {
    return encodings == null
        || Arrays.stream(encodings.split(",", -1))
            .map(String::strip)
            .allMatch(e -> e.isEmpty() || IDENTITIES.contains(e.toLowerCase(Locale.ROOT)));
  }

  private FetchException failure(URI uri, IOException e, boolean late) {
    if (e instanceof CheckedResolver.ForbiddenAddress) {
      return new FetchException(Reason.FORBIDDEN_LOCATION, String.valueOf(e.getMessage()), e);
    }
    if (e instanceof UnknownHostException) {
      return new FetchException(
          Reason.FETCH_FAILED, "Host of " + shown(uri) + " cannot be resolved", e);
    }
    if (late || e instanceof SocketTimeoutException || e instanceof InterruptedIOException) {
      return FetchException.late(uri.toString(), limits, e);
    }
    return new FetchException(
        Reason.FETCH_FAILED,
        "%s cannot be fetched: %s".formatted(shown(uri), References.shown(e.toString())),
        e);
  }

  private static String shown(URI uri) {
    return References.shown(uri.toString());
  }

  /** Resolves names as the system does and lets only allowed addresses through. */
  private static final class CheckedResolver extends SystemDefaultDnsResolver {
    private final HostRules rules;

    CheckedResolver(HostRules rules) {
      this.rules = rules;
    }

    @Override
    public InetAddress[] resolve(String host) throws UnknownHostException {
      InetAddress[] all = super.resolve(host);
      InetAddress[] allowed = Arrays.stream(all).filter(rules::allows).toArray(InetAddress[]::new);
      if (allowed.length == 0) {
        throw new ForbiddenAddress(
            "Host %s has the private or reserved address %s; images.allow.private.addresses=true would allow it"
                .formatted(host, all[0].getHostAddress()));
      }
      return allowed;
    }

    /** An address that may not be connected to. */
    private static final class ForbiddenAddress extends UnknownHostException {
      private static final long serialVersionUID = 1L;

      ForbiddenAddress(String message) {
        super(message);
      }
    }
  }

  @Override
  public void close() {
    deadlines.shutdownNow();
    try {
      client.close();
    } catch (IOException e) {
      // Nothing is in flight any more.
    }
  }
}
