package io.shelfstream.fetch;

import static io.shelfstream.fetch.Fetching.hosts;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.HttpServer;
import io.shelfstream.HeldPort;
import io.shelfstream.fetch.FetchException.Reason;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PatientFetcherTest {
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private HeldPort port;
  private HttpServer server;
  private ImageFetcher fetcher;
  private String host;

  @BeforeEach
  void hold() throws Exception {
    port = new HeldPort();
    host = "127.0.0.1:" + port.number();
    fetcher = new ImageFetcher(hosts("127.0.0.1"));
  }

  @AfterEach
  void stop() throws Exception {
    fetcher.close();
    threads.shutdownNow();
    if (server != null) {
      server.stop(0);
    }
    port.close();
  }

  private void startServer() throws Exception {
    server = HttpServer.create(new InetSocketAddress("127.0.0.1", port.number()), 0);
    server.createContext(
        "/",
        exchange -> {
          boolean broken = exchange.getRequestURI().getPath().startsWith("/broken");
          exchange.sendResponseHeaders(broken ? 500 : 200, broken ? -1 : 1);
          if (!broken) {
            exchange.getResponseBody().write('x');
          }
          exchange.close();
        });
    server.setExecutor(threads);
    server.start();
  }

  private String uri(String name) {
    return "http://" + host + "/" + name;
  }

  private static FetchException failing(PatientFetcher patient, String uri) {
    return catchThrowableOfType(FetchException.class, () -> patient.fetch(uri, null, () -> true));
  }

  private static Duration since(long start) {
    return Duration.ofNanos(System.nanoTime() - start);
  }

  @Test
  void waitsUntilTheStoreAnswers() throws Exception {
    PatientFetcher patient = new PatientFetcher(fetcher, Duration.ofMinutes(2));
    List<Future<byte[]>> images = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      String uri = uri(i + ".jpg");
      images.add(threads.submit(() -> patient.fetch(uri, null, () -> true)));
    }
    TimeUnit.MILLISECONDS.sleep(1500);
    assertThat(images).noneMatch(Future::isDone);
    assertThat(patient.isWaiting()).isTrue();

    startServer();

    for (Future<byte[]> image : images) {
      assertThat(image.get(60, TimeUnit.SECONDS)).containsExactly('x');
    }
    assertThat(patient.isWaiting()).isFalse();
  }

  @Test
  void waitsForAnOutageOnceAndNotForEachImage() throws Exception {
    PatientFetcher patient = new PatientFetcher(fetcher, Duration.ofSeconds(2));
    long start = System.nanoTime();

    assertThat(failing(patient, uri("a.jpg")).reason()).isEqualTo(Reason.FETCH_FAILED);
    assertThat(since(start)).isGreaterThan(Duration.ofSeconds(1));
    start = System.nanoTime();
    for (int i = 0; i < 3; i++) {
      assertThat(failing(patient, uri(i + ".jpg")).retryable()).isTrue();
    }
    assertThat(since(start)).as("two tries each, no wait").isLessThan(Duration.ofSeconds(2));

    startServer();
    assertThat(patient.fetch(uri("a.jpg"), null, () -> true)).hasSize(1);
  }

  @Test
  void doesNotWaitForAnImageThatFailsWhileTheStoreAnswersOthers() throws Exception {
    startServer();
    PatientFetcher patient = new PatientFetcher(fetcher, Duration.ofMinutes(5));
    Future<?> others =
        threads.submit(
            () -> {
              while (!Thread.interrupted()) {
                patient.fetch(uri("a.jpg"), null, () -> true);
                Thread.sleep(20);
              }
              return null;
            });
    long start = System.nanoTime();

    FetchException e = failing(patient, uri("broken.jpg"));

    others.cancel(true);
    assertThat(e).hasMessageContaining("500");
    assertThat(since(start)).isLessThan(Duration.ofMinutes(1));
  }

  @Test
  void waitsNeitherForWhatNobodyWantsNorForWhatIsNotThere() throws Exception {
    PatientFetcher patient = new PatientFetcher(fetcher, Duration.ofMinutes(5));
    long start = System.nanoTime();

    assertThat(
            catchThrowableOfType(
                FetchException.class, () -> patient.fetch(uri("a.jpg"), null, () -> false)))
        .isNotNull();
    assertThat(failing(patient, "http://other.example/a.jpg").reason())
        .isEqualTo(Reason.FORBIDDEN_LOCATION);
    assertThat(failing(patient, "file:///nowhere").reason()).isEqualTo(Reason.FORBIDDEN_LOCATION);
    assertThat(failing(new PatientFetcher(fetcher, Duration.ZERO), uri("a.jpg")).retryable())
        .isTrue();

    assertThat(since(start)).isLessThan(Duration.ofMinutes(1));
    assertThat(patient.isWaiting()).isFalse();
  }

  @Test
  void endsItsWaitWhenItIsInterrupted() throws Exception {
    PatientFetcher patient = new PatientFetcher(fetcher, Duration.ofMinutes(5));
    Future<byte[]> image = threads.submit(() -> patient.fetch(uri("a.jpg"), null, () -> true));
    TimeUnit.MILLISECONDS.sleep(700);

    threads.shutdownNow();

    assertThat(threads.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
    assertThat(image.isDone()).isTrue();
  }
}
