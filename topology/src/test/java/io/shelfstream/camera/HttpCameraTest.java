package io.shelfstream.camera;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.shelfstream.camera.AgentSettings.Filmed;
import io.shelfstream.client.UsageException;
import io.shelfstream.fetch.HttpCredentials.Credential;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

class HttpCameraTest {
  private static final Logger LOGGER = (Logger) LoggerFactory.getLogger(HttpCamera.class);
  private static final Optional<Credential> LOGIN =
      Optional.of(Credential.basic("admin", "camera-password"));
  private static final int MAX = 1_000_000;

  private final Counts counts = new Counts();
  private final BlockingQueue<byte[]> taken = new LinkedBlockingQueue<>();
  private final ListAppender<ILoggingEvent> log = new ListAppender<>();
  private FakeCamera fake;
  private HttpCamera camera;
  private Thread thread;

  @BeforeEach
  void start() throws Exception {
    fake = new FakeCamera();
    log.start();
    LOGGER.addAppender(log);
  }

  @AfterEach
  void stop() throws Exception {
    LOGGER.detachAppender(log);
    if (camera != null) {
      camera.close();
      thread.interrupt();
      thread.join(20_000);
      assertThat(thread.isAlive()).isFalse();
    }
    fake.close();
  }

  private void film(String path, Optional<Credential> login, Duration every) {
    camera = new HttpCamera(new Filmed(URI.create(fake.uri(path)), every, login), MAX, counts);
    thread = new Thread(() -> camera.run((picture, extension) -> taken.add(picture)));
    thread.start();
  }

  private byte[] picture() throws Exception {
    byte[] picture = taken.poll(60, TimeUnit.SECONDS);
    assertThat(picture).as("a picture; the log says %s", log.list).isNotNull();
    return picture;
  }

  private String warning() throws Exception {
    for (int i = 0; i < 1200 && log.list.isEmpty(); i++) {
      Thread.sleep(50);
    }
    assertThat(log.list).isNotEmpty();
    return List.copyOf(log.list).get(0).getFormattedMessage();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/snapshot.jpg", "/basic/snapshot.jpg", "/digest/snapshot.jpg"})
  void takesAPictureInEachInterval(String path) throws Exception {
    long start = System.nanoTime();
    film(path, LOGIN, Duration.ofMillis(200));

    for (int i = 1; i <= 5; i++) {
      assertThat(picture()).isEqualTo(fake.picture(i));
    }
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(750));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/stream", "/digest/stream", "/stream/ends"})
  void takesWholePicturesOfAStream(String path) throws Exception {
    film(path, LOGIN, Duration.ofMillis(100));

    for (int i = 0; i < 6; i++) {
      assertThat(new JpegStream(new java.io.ByteArrayInputStream(picture()), MAX).next())
          .isNotNull();
    }
    assertThat(taken).doesNotHaveDuplicates();
  }

  @Test
  void takesOnePictureOfAStreamInEachInterval() throws Exception {
    film("/stream", Optional.empty(), Duration.ofMillis(500));
    picture();
    int before = fake.pictures();

    picture();

    assertThat(fake.pictures() - before).isGreaterThan(3);
    assertThat(fake.requests()).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource({
    "/login.html, no picture",
    "/moved, redirects to https://127.0.0.1/snapshot.jpg",
    "/nothing, 404",
    "/digest/snapshot.jpg, SHELFSTREAM_CAMERA_LOGIN",
  })
  void saysWhyThereIsNoPicture(String path, String said) throws Exception {
    film(path, Optional.empty(), Duration.ofMillis(100));

    assertThat(warning()).contains(said);
  }

  @Test
  void doesNotTryAWrongPasswordAgainAndAgain() throws Exception {
    film(
        "/digest/snapshot.jpg",
        Optional.of(Credential.basic("admin", "hunter2")),
        Duration.ofMillis(50));

    assertThat(warning()).contains("refuses the user or the password").doesNotContain("hunter2");
    Thread.sleep(1500);
    assertThat(fake.requests()).hasSizeLessThanOrEqualTo(3);
  }

  @Test
  void leavesACameraThatHangs() throws Exception {
    film("/hangs", Optional.empty(), Duration.ofMillis(100));

    assertThat(warning()).contains("does not answer within 10 s");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"http://admin:hunter2@10.0.0.7/a.jpg", "rtsp://10.0.0.7/live", "http:///a.jpg"})
  void refusesAUrlThatItCannotOrShouldNotUse(String url) {
    Filmed filmed = new Filmed(URI.create(url), Duration.ofSeconds(2), Optional.empty());

    assertThatThrownBy(() -> new HttpCamera(filmed, MAX, counts))
        .isInstanceOf(UsageException.class)
        .hasMessageNotContaining("hunter2");
  }
}
