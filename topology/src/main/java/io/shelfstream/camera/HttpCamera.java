package io.shelfstream.camera;

import io.shelfstream.camera.AgentSettings.Filmed;
import io.shelfstream.client.UsageException;
import io.shelfstream.fetch.HttpCredentials.Credential;
import io.shelfstream.fetch.References;
import io.shelfstream.logging.RepeatedWarning;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.hc.client5.http.auth.AuthScope;
import org.apache.hc.client5.http.auth.UsernamePasswordCredentials;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.auth.BasicCredentialsProvider;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.io.Closer;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A camera that is asked by HTTP. It answers each request with a picture, or one request with a
 * stream of pictures (MJPEG, {@code multipart/x-mixed-replace}), of which one in each interval is
 * taken. A camera that is away, hangs or sends something else is asked again, after pauses that
 * grow. Basic and digest authentication. {@link #run} on one thread, {@link #close} on any.
 */
final class HttpCamera implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(HttpCamera.class);

  private static final Duration CONNECT = Duration.ofSeconds(5);

  /** Longest silence of a camera. */
  private static final Duration SILENCE = Duration.ofSeconds(10);

  /** Longest time from one whole picture to the next. */
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  /** Cameras lock a user out after a few wrong passwords. */
  private static final Duration REFUSED_PAUSE = Duration.ofMinutes(5);

  private final Filmed camera;
  private final String shown;
  private final long maxBytes;
  private final Counts counts;
  private final CloseableHttpClient client;
  private final HttpClientContext context = HttpClientContext.create();
  private final RepeatedWarning warning = new RepeatedWarning();
  private final ScheduledExecutorService watchdog;
  private volatile boolean closed;
  private volatile @Nullable HttpGet underWay;
  private volatile long progressed;

  /**
   * @param maxBytes longest picture
   */
  HttpCamera(Filmed camera, long maxBytes, Counts counts) {
    this.camera = camera;
    this.shown = References.shown(camera.uri().toString());
    this.maxBytes = maxBytes;
    this.counts = counts;
    requireUsable(camera.uri());
    this.client = client(camera);
    this.watchdog =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "camera-watchdog");
              thread.setDaemon(true);
              return thread;
            });
    watchdog.scheduleWithFixedDelay(this::endWhatHangs, 1, 1, TimeUnit.SECONDS);
  }

  private static void requireUsable(URI uri) {
    String scheme = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
    if (uri.getRawUserInfo() != null || String.valueOf(uri.getRawAuthority()).contains("@")) {
      throw new UsageException(
          "The camera's URL names a user, which everybody who lists processes sees; give USER:PASSWORD in SHELFSTREAM_CAMERA_LOGIN, or in the file of images.http.credentials");
    }
    if (!(scheme.equals("http") || scheme.equals("https")) || uri.getHost() == null) {
      throw new UsageException(
          "'%s' is no camera's URL; give http://HOST/PATH or https://HOST/PATH"
              .formatted(References.shown(uri.toString())));
    }
  }

  private static CloseableHttpClient client(Filmed camera) {
    HttpClientBuilder builder =
        HttpClients.custom()
            .setConnectionManager(
                PoolingHttpClientConnectionManagerBuilder.create()
                    .setDefaultConnectionConfig(
                        ConnectionConfig.custom()
                            .setConnectTimeout(Timeout.of(CONNECT))
                            .setSocketTimeout(Timeout.of(SILENCE))
                            .build())
                    .build())
            .setDefaultRequestConfig(
                RequestConfig.custom().setResponseTimeout(Timeout.of(SILENCE)).build())
            .disableRedirectHandling()
            .disableCookieManagement()
            .disableAutomaticRetries();
    camera
        .login()
        .filter(login -> !login.isBearer())
        .ifPresent(
            login -> {
              BasicCredentialsProvider provider = new BasicCredentialsProvider();
              URI uri = camera.uri();
              provider.setCredentials(
                  new AuthScope(new HttpHost(uri.getScheme(), uri.getHost(), uri.getPort())),
                  new UsernamePasswordCredentials(login.user(), login.password().toCharArray()));
              builder.setDefaultCredentialsProvider(provider);
            });
    return builder.build();
  }

  private void endWhatHangs() {
    HttpGet request = underWay;
    if (request != null && System.nanoTime() - progressed > PATIENCE.toNanos()) {
      request.abort();
    }
  }

  /** Captures until it is closed or its thread is interrupted. */
  void run(PictureSink sink) {
    Pace pace = new Pace(camera.every());
    Duration pause = FIRST_PAUSE;
    try {
      while (!closed) {
        pace.await();
        try {
          capture(sink, pace);
          pause = FIRST_PAUSE;
        } catch (IOException | RuntimeException e) {
          if (closed) {
            return;
          }
          counts.failed();
          boolean refused = e instanceof RefusedException;
          warning.log(log.atWarn().addKeyValue("camera", shown), "No picture: {}", why(e));
          pace.pause(refused ? REFUSED_PAUSE : pause);
          Duration twice = pause.multipliedBy(2);
          pause = twice.compareTo(LONGEST_PAUSE) < 0 ? twice : LONGEST_PAUSE;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static String why(Exception e) {
    if (e instanceof SocketTimeoutException) {
      return "the camera does not answer within " + SILENCE.toSeconds() + " s";
    }
    return References.shown(
        e instanceof NoPictureException ? String.valueOf(e.getMessage()) : e.toString());
  }

  private void capture(PictureSink sink, Pace pace) throws IOException {
    HttpGet request = new HttpGet(camera.uri());
    camera
        .login()
        .filter(Credential::isBearer)
        .ifPresent(token -> request.setHeader("Authorization", token.header()));
    progressed = System.nanoTime();
    underWay = request;
    ClassicHttpResponse response = null;
    try {
      response = client.executeOpen(null, request, context);
      read(response, sink, pace);
    } catch (IOException e) {
      if (System.nanoTime() - progressed > PATIENCE.toNanos()) {
        throw new NoPictureException("no whole picture came within " + PATIENCE.toSeconds() + " s");
      }
      throw e;
    } finally {
      underWay = null;
      request.abort();
      if (response != null) {
        Closer.closeQuietly(response);
      }
    }
  }

  private void read(ClassicHttpResponse response, PictureSink sink, Pace pace) throws IOException {
    int status = response.getCode();
    HttpEntity entity = response.getEntity();
    if (status == 401 || status == 403) {
      throw new RefusedException(
          camera.login().isPresent()
              ? "the camera refuses the user or the password (%d)".formatted(status)
              : "the camera asks for a user (%d); give USER:PASSWORD in SHELFSTREAM_CAMERA_LOGIN, or in the file of images.http.credentials"
                  .formatted(status));
    }
    Header location = response.getFirstHeader("Location");
    if (status / 100 == 3 && location != null) {
      throw new NoPictureException(
          "the camera redirects to %s; give that URL"
              .formatted(References.shown(location.getValue())));
    }
    if (status != 200 || entity == null) {
      throw new NoPictureException("the camera answers " + status);
    }
    String type = String.valueOf(entity.getContentType()).toLowerCase(Locale.ROOT);
    try (InputStream in = entity.getContent()) {
      if (type.startsWith("multipart/")) {
        stream(in, sink, pace);
      } else {
        single(in, entity.getContentLength(), type, sink);
        pace.taken();
      }
    }
  }

  private void single(InputStream in, long length, String type, PictureSink sink)
      throws IOException {
    byte[] picture = in.readNBytes(Math.toIntExact(maxBytes + 1));
    if (picture.length > maxBytes) {
      throw new NoPictureException("its picture is larger than images.max.bytes");
    }
    String extension = PictureFormat.extension(picture).orElse(null);
    if (extension == null) {
      throw new NoPictureException(
          "the camera answers with '%s' of %d bytes, which is no picture; its URL may be that of a page"
              .formatted(References.shown(type), picture.length));
    }
    boolean mayBeCutOff = length < 0 && extension.equals("jpg");
    if (mayBeCutOff
        && new JpegStream(new java.io.ByteArrayInputStream(picture), maxBytes).next() == null) {
      throw new NoPictureException("the camera broke off its picture");
    }
    sink.take(picture, extension);
  }

  private void stream(InputStream in, PictureSink sink, Pace pace) throws IOException {
    JpegStream pictures = new JpegStream(in, maxBytes);
    int incomplete = 0;
    for (byte[] picture = pictures.next(); picture != null; picture = pictures.next()) {
      progressed = System.nanoTime();
      if (closed) {
        return;
      }
      if (pictures.incomplete() > incomplete) {
        incomplete = pictures.incomplete();
        counts.failed();
        warning.log(
            log.atWarn().addKeyValue("camera", shown),
            "{} of a stream's pictures were broken off and are left out",
            incomplete);
      }
      if (pace.isDue()) {
        sink.take(picture, "jpg");
        pace.taken();
      }
    }
    throw new NoPictureException("the camera ended its stream; it is asked for a new one");
  }

  /** Why there is no picture, as a sentence. */
  private static class NoPictureException extends IOException {
    private static final long serialVersionUID = 1L;

    NoPictureException(String message) {
      super(message);
    }
  }

  /** The camera does not let us in. */
  private static final class RefusedException extends NoPictureException {
    private static final long serialVersionUID = 1L;

    RefusedException(String message) {
      super(message);
    }
  }

  @Override
  public void close() {
    closed = true;
    watchdog.shutdownNow();
    HttpGet request = underWay;
    if (request != null) {
      request.abort();
    }
    Closer.closeQuietly(client);
  }
}
