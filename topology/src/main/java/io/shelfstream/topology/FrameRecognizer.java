package io.shelfstream.topology;

import io.shelfstream.events.ImageReference;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.image.PixelBox;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/** Recognises frames on threads of its own, in the order they come in. Safe for several threads. */
final class FrameRecognizer implements AutoCloseable {
  private final ImageFetcher fetcher;
  private final Supplier<Stages> stages;
  private final ExecutorService workers;

  /**
   * @param stages asked once for each frame, which passes through what it got to the end
   */
  FrameRecognizer(ImageFetcher fetcher, Supplier<Stages> stages, int threads) {
    this.fetcher = fetcher;
    this.stages = stages;
    AtomicInteger number = new AtomicInteger();
    this.workers =
        Executors.newFixedThreadPool(
            threads,
            work -> {
              Thread thread = new Thread(work, "recognizer-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * Takes a frame up and returns at once.
   *
   * @return completes with {@link RejectedException} for what becomes a dead letter; cancelled, the
   *     frame is dropped if it was not begun
   */
  CompletableFuture<Recognition> submit(ImageReference frame) {
    CompletableFuture<Recognition> seen = new CompletableFuture<>();
    workers.execute(
        () -> {
          if (!seen.isDone()) {
            recognize(frame, seen);
          }
        });
    return seen;
  }

  private void recognize(ImageReference frame, CompletableFuture<Recognition> seen) {
    StageTimes times = new StageTimes();
    times.lap(Stage.READ);
    try {
      byte[] encoded = RecognitionTopology.fetch(fetcher, frame.getUri(), frame.getSha256());
      times.lap(Stage.FETCH);
      List<PixelBox> regions = frame.getRegions().stream().map(Boxes::toPixels).toList();
      Stages now = stages.get();
      seen.complete(
          RecognitionTopology.recognize(now, encoded, regions, now.filters().of(frame), times));
    } catch (RejectedException e) {
      seen.completeExceptionally(e);
    } catch (RuntimeException e) {
      seen.completeExceptionally(RejectedException.unexpected(times.underWay(), e));
    }
  }

  /** Waits for the frames that were begun; those that were not are dropped. */
  @Override
  public void close() {
    workers.shutdownNow();
    try {
      workers.awaitTermination(1, TimeUnit.MINUTES);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
