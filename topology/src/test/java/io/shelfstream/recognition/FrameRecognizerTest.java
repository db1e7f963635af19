package io.shelfstream.recognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import io.shelfstream.detect.Detection;
import io.shelfstream.detect.Detector;
import io.shelfstream.detect.Profile;
import io.shelfstream.events.ImageReference;
import io.shelfstream.fetch.BucketRules;
import io.shelfstream.fetch.FetchLimits;
import io.shelfstream.fetch.FetchPolicy;
import io.shelfstream.fetch.HostRules;
import io.shelfstream.fetch.HttpRules;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.fetch.PatientFetcher;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.image.Image;
import io.shelfstream.image.ImageDecoder;
import io.shelfstream.image.ImageLimits;
import io.shelfstream.messages.RecognitionEvents;
import java.awt.Color;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(300)
class FrameRecognizerTest {
  private static final byte[] PICTURE = Pictures.plain(Color.RED);
  private static final long PICTURE_BYTES = PICTURE.length;

  private final StoppableDetector detector = new StoppableDetector();
  private final Gallery gallery = new Gallery("Flat", 3, "colour@000000000000");
  private final ImageFetcher fetcher =
      new ImageFetcher(
          new FetchPolicy(
              List.of(),
              true,
              new HttpRules(new HostRules(List.of("127.0.0.1"), true), 3, Optional.empty()),
              BucketRules.NONE,
              new FetchLimits(1_000_000, Duration.ofSeconds(20), Duration.ofSeconds(20))));
  private FrameRecognizer recognizer = recognizer(limits(2, 2, Duration.ofSeconds(20)));

  private static RecognizerLimits limits(int workers, int fetches, Duration wait) {
    return new RecognizerLimits(workers, workers, fetches, 1_000_000, 1_000_000, wait, 0.25);
  }

  private FrameRecognizer recognizer(RecognizerLimits limits) {
    RecognitionModels models =
        new RecognitionModels(
            new ModelIds("boxes@111111111111", "colour@000000000000", "cpu"),
            new ImageDecoder(ImageLimits.DEFAULT),
            detector,
            0.2f,
            Profile.SHELF,
            new ColourExtractor(),
            gallery,
            new MatchPolicy(0.95f, 0.01f, 3, 10),
            FrameFilters.NONE);
    return new FrameRecognizer(new PatientFetcher(fetcher, Duration.ZERO), () -> models, limits);
  }

  private void use(RecognizerLimits limits) {
    recognizer.close();
    recognizer = recognizer(limits);
  }

  @AfterEach
  void stop() {
    detector.mayGoOn.release(1000);
    recognizer.close();
    fetcher.close();
    gallery.close();
  }

  /** Counts its runs of both kinds; each needs a permit, and fails as the test says. */
  private static final class StoppableDetector implements Detector {
    final Semaphore mayGoOn = new Semaphore(0);
    final Semaphore begun = new Semaphore(0);
    final AtomicInteger onAllThreads = new AtomicInteger();
    final AtomicInteger onOneThread = new AtomicInteger();

    /** Thrown by one run, whichever comes first: several workers run at once. */
    final AtomicReference<Throwable> failure = new AtomicReference<>();

    @Override
    public List<List<Detection>> detect(List<Image> images) {
      onAllThreads.incrementAndGet();
      return run(images);
    }

    private List<List<Detection>> run(List<Image> images) {
      begun.release();
      mayGoOn.acquireUninterruptibly();
      Throwable thrown = failure.getAndSet(null);
      if (thrown instanceof Error error) {
        throw error;
      }
      if (thrown instanceof RuntimeException exception) {
        throw exception;
      }
      return images.stream().map(image -> List.<Detection>of()).toList();
    }

    @Override
    public Detector onOneThread() {
      return new Detector() {
        @Override
        public List<List<Detection>> detect(List<Image> images) {
          onOneThread.incrementAndGet();
          return run(images);
        }

        @Override
        public void close() {}
      };
    }

    @Override
    public void close() {}
  }

  private static ImageReference frame(String uri) {
    return RecognitionEvents.reference("c1", "f1", uri, Instant.EPOCH);
  }

  private CompletableFuture<Recognition> submit() {
    return recognizer.submit(frame(Pictures.uri(PICTURE)));
  }

  private List<CompletableFuture<Recognition>> submit(int frames) {
    List<CompletableFuture<Recognition>> answers = new ArrayList<>();
    for (int i = 0; i < frames; i++) {
      answers.add(submit());
    }
    return answers;
  }

  @Test
  void aFrameThatIsAloneHasAllThreads() throws Exception {
    detector.mayGoOn.release();

    Recognition seen = submit().get();

    assertThat(seen.width()).isEqualTo(32);
    assertThat(detector.onAllThreads).hasValue(1);
    assertThat(detector.onOneThread).hasValue(0);
    assertThat(recognizer.inHand()).isZero();
  }

  @Test
  void theSecondOfTwoFramesBeginsAtOnceWithOneThread() throws Exception {
    CompletableFuture<Recognition> first = submit();
    detector.begun.acquire();
    CompletableFuture<Recognition> second = submit();
    detector.begun.acquire();
    detector.mayGoOn.release(2);

    first.get();
    second.get();

    assertThat(detector.onAllThreads).hasValue(1);
    assertThat(detector.onOneThread).hasValue(1);
  }

  @Test
  void framesThatQueueGoSideBySideWithOneThreadEach() throws Exception {
    List<CompletableFuture<Recognition>> answers = submit(1);
    detector.begun.acquire();
    answers.addAll(submit(5));
    detector.begun.acquire();
    while (recognizer.encodedBytes() < 4 * PICTURE_BYTES) {
      Thread.sleep(1); // not all four wait
    }
    detector.mayGoOn.release();
    detector.begun.acquire();
    assertThat(detector.onAllThreads).hasValue(1);
    assertThat(detector.onOneThread).hasValue(2);
    detector.mayGoOn.release(5);

    for (CompletableFuture<Recognition> answer : answers) {
      answer.get();
    }
    assertThat(recognizer.inHand()).isZero();
  }

  @Test
  void noMoreFramesThanWorkersAreDecodedAndFewAreFetchedAhead() throws Exception {
    AtomicInteger served = new AtomicInteger();
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newCachedThreadPool());
    server.createContext(
        "/",
        exchange -> {
          served.incrementAndGet();
          exchange.sendResponseHeaders(200, PICTURE.length);
          exchange.getResponseBody().write(PICTURE);
          exchange.close();
        });
    server.start();
    try {
      String uri = "http://127.0.0.1:" + server.getAddress().getPort() + "/a.png";
      List<CompletableFuture<Recognition>> answers = new ArrayList<>();
      for (int i = 0; i < 50; i++) {
        answers.add(recognizer.submit(frame(uri)));
      }
      detector.begun.acquire(2);
      Thread.sleep(300); // long enough to fetch all fifty

      assertThat(detector.begun.availablePermits()).as("a third frame begun").isZero();
      assertThat(served.get()).isBetween(2, 2 + 4); // two begun, four ahead

      detector.mayGoOn.release(50);
      for (CompletableFuture<Recognition> answer : answers) {
        answer.get();
      }
      assertThat(served).hasValue(50);
    } finally {
      server.stop(0);
    }
  }

  @Test
  void fewerFramesAreFetchedAheadWhereTheirBytesAreMany() throws Exception {
    use(new RecognizerLimits(1, 1, 1, PICTURE_BYTES, 1_000_000, Duration.ZERO, 0.5));
    List<CompletableFuture<Recognition>> answers = submit(10);
    detector.begun.acquire();

    while (recognizer.encodedBytes() < PICTURE_BYTES) {
      Thread.sleep(1); // the next one is fetched
    }
    Thread.sleep(200); // long enough to fetch all ten
    assertThat(recognizer.encodedBytes()).isEqualTo(PICTURE_BYTES);

    detector.mayGoOn.release(10);
    for (CompletableFuture<Recognition> answer : answers) {
      answer.get();
    }
    assertThat(recognizer.encodedBytes()).isZero();
  }

  @Test
  void aCancelledFrameIsNotBegun() throws Exception {
    use(limits(1, 1, Duration.ZERO));
    List<CompletableFuture<Recognition>> answers = submit(3);
    detector.begun.acquire();

    answers.get(1).cancel(false);
    detector.mayGoOn.release(3);
    answers.get(0).get();
    answers.get(2).get();

    assertThat(detector.onAllThreads.get() + detector.onOneThread.get()).isEqualTo(2);
    assertThat(recognizer.encodedBytes()).isZero();
  }

  @Test
  void aFaultOfOneFrameIsItsOwn() throws Exception {
    detector.failure.set(new IllegalStateException("a fault of ours"));
    detector.mayGoOn.release(100);

    List<CompletableFuture<Recognition>> answers = submit(20);

    int failed = 0;
    for (CompletableFuture<Recognition> answer : answers) {
      try {
        answer.get();
      } catch (ExecutionException e) {
        failed++;
        assertThat(((RejectedException) e.getCause()).reason()).isEqualTo("INTERNAL_ERROR");
        assertThat(((RejectedException) e.getCause()).stage()).isEqualTo(Stage.DETECT);
      }
    }
    assertThat(failed).isEqualTo(1);
  }

  @Test
  void anInputThatOverflowsTheStackIsADeadLetter() {
    detector.failure.set(new StackOverflowError());
    detector.mayGoOn.release();

    assertThatThrownBy(() -> submit().get()).cause().isInstanceOf(RejectedException.class);
  }

  @Test
  void aFrameIsNotRejectedForTheMemoryOfTheProcess() throws Exception {
    detector.failure.set(new OutOfMemoryError("Cannot reserve bytes of direct buffer memory"));
    detector.mayGoOn.release(2);

    assertThatThrownBy(() -> submit().get()).cause().isInstanceOf(OutOfMemoryError.class);

    assertThat(submit().get().width()).as("the worker goes on").isEqualTo(32);
    assertThat(recognizer.encodedBytes()).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"data:image/png;base64,AAAA", "http://192.0.2.1/a.png", "file:/etc/passwd"})
  void whatCannotBeUsedIsRejected(String uri) {
    assertThatThrownBy(() -> recognizer.submit(frame(uri)).get())
        .cause()
        .isInstanceOf(RejectedException.class);
  }

  @Test
  void aFrameWaitsForItsGalleryVersionAndNoWorkerWithIt() throws Exception {
    use(limits(1, 1, Duration.ofSeconds(20)));
    detector.mayGoOn.release(10);
    CompletableFuture<Recognition> waits = recognizer.submit(wanting(3));

    submit().get();
    submit().get();
    assertThat(waits).isNotDone();
    gallery.skip(0, 2, "p", "so that the version is 3");

    Recognition seen = waits.get();
    assertThat(seen.gallery().version()).isEqualTo(3);
    assertThat(seen.partial()).isNull();
  }

  @Test
  void aFrameWhoseGalleryVersionDoesNotComeIsAnsweredInPart() throws Exception {
    use(limits(1, 1, Duration.ofMillis(200)));
    detector.mayGoOn.release(1);
    long start = System.nanoTime();

    Recognition seen = recognizer.submit(wanting(3)).get();

    float took = (System.nanoTime() - start) / 1e6f;
    assertThat(took).isGreaterThan(200f);
    assertThat(seen.partial()).contains("gallery version 3").contains("200 ms").contains("it is 0");
    assertThat(seen.times().total()).as("the wait is no work").isLessThan(took - 200f);
  }

  private static ImageReference wanting(long version) {
    return ImageReference.newBuilder(frame(Pictures.uri(PICTURE)))
        .setMinGalleryVersion(version)
        .build();
  }

  @Test
  void waitsAreBookedOnNoStage() throws Exception {
    use(limits(1, 1, Duration.ZERO));
    List<CompletableFuture<Recognition>> answers = submit(2);
    detector.begun.acquire();
    Thread.sleep(3_000);
    detector.mayGoOn.release(2);

    assertThat(answers.get(0).get().times().of(Stage.DETECT)).isGreaterThan(2_500);
    StageTimes second = answers.get(1).get().times();
    assertThat(second.total()).isLessThan(2_500); // of some ms, even where others are busy
    assertThat(second.of(Stage.DECODE)).isPositive();
  }

  @Test
  void aStopCancelsWhatWasNotBegunAndFinishesTheRest() throws Exception {
    use(limits(1, 1, Duration.ZERO));
    List<CompletableFuture<Recognition>> answers = submit(5);
    detector.begun.acquire();
    Thread stop = new Thread(recognizer::close);
    stop.start();
    while (!isWaitingForItsWorkers(stop)) {
      Thread.sleep(1); // its queues may not be empty yet
    }
    assertThat(submit()).isCancelled();
    detector.mayGoOn.release(answers.size());
    stop.join();

    assertThat(answers.get(0).get().width()).isEqualTo(32);
    assertThatThrownBy(() -> answers.get(4).get()).isInstanceOf(CancellationException.class);
    assertThatThrownBy(() -> submit().get()).isInstanceOf(CancellationException.class);
    assertThat(recognizer.inHand()).isZero();
  }

  private static boolean isWaitingForItsWorkers(Thread stop) {
    List<String> calls =
        Arrays.stream(stop.getStackTrace()).map(StackTraceElement::getMethodName).toList();
    int close = calls.lastIndexOf("close");
    return close > 0 && calls.get(close - 1).equals("awaitTermination");
  }

  @Test
  void callersAndTheStreamGetTheirSharesAndWhatTheOtherLeaves() throws Exception {
    use(limits(1, 60, Duration.ZERO)); // callers: a quarter
    CompletableFuture<Recognition> first = submit();
    detector.begun.acquire();
    List<String> order = Collections.synchronizedList(new ArrayList<>());
    List<CompletableFuture<?>> all = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      all.add(submit().thenRun(() -> order.add("stream")));
    }
    while (recognizer.encodedBytes() < 40 * PICTURE_BYTES) {
      Thread.sleep(1); // until all are fetched and wait for the worker
    }
    for (int i = 0; i < 40; i++) {
      all.add(
          recognizer
              .submit(frame("urn:frame:1"), new StageTimes(), PICTURE)
              .thenRun(() -> order.add("caller")));
    }
    detector.mayGoOn.release(81);
    first.join();
    all.forEach(CompletableFuture::join);
    assertThat(Collections.frequency(order.subList(0, 40), "caller")).isBetween(9, 11);
    assertThat(order.subList(60, 80)).containsOnly("caller"); // the stream has none any more
  }
}
