package io.shelfstream.recognition;

import io.shelfstream.detect.ObjectBox;
import io.shelfstream.events.ImageReference;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.image.Image;
import io.shelfstream.image.PixelBox;
import io.shelfstream.recognition.ImageRecognition.Embedded;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.PriorityBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Recognises frames on threads of its own, one a process. Images are fetched ahead, a few at a
 * time; a worker then takes one frame from decoding to the verdict. While frames go side by side
 * each model run keeps to its worker's thread, which gets the most done; a lone frame's have all
 * threads ({@link Lanes}). Frames end in any order. Safe for several threads.
 *
 * <p>What is bounded: fetches at a time, frames that are fetched and wait, bytes of both, and
 * decoded images (one a worker). Everything is given back when a frame's answer is there, not when
 * somebody has taken it up.
 */
public final class FrameRecognizer implements AutoCloseable {
  /** Longer than any run of a model. */
  private static final long STOP_SECONDS = 60;

  private final ImageFetcher fetcher;
  private final Supplier<RecognitionModels> models;
  private final RecognizerLimits limits;
  private final ThreadPoolExecutor fetching;
  private final ThreadPoolExecutor working;
  private final Lanes lanes;
  private final GalleryWait galleryWait;
  private final Semaphore fetchedAhead;
  private final Semaphore decoding;
  private final ByteAccount encodedBytes;
  private final ByteAccount decodedBytes;
  private final Set<Frame> inHand = ConcurrentHashMap.newKeySet();
  private final AtomicLong numbers = new AtomicLong();
  private volatile boolean closed;

  /**
   * @param models asked once for each frame, which passes through what it got to the end
   */
  public FrameRecognizer(
      ImageFetcher fetcher, Supplier<RecognitionModels> models, RecognizerLimits limits) {
    this.fetcher = fetcher;
    this.models = models;
    this.limits = limits;
    this.fetching = pool("frame-fetch", limits.fetches(), new LinkedBlockingQueue<>());
    this.working = pool("frame-worker", limits.workers(), new PriorityBlockingQueue<>());
    this.lanes = Lanes.of(limits);
    this.galleryWait = new GalleryWait(limits.galleryWait());
    // Enough that no worker waits for a fetch, and no more: encoded images are memory.
    this.fetchedAhead = new Semaphore(limits.fetches() + limits.workers());
    this.decoding = new Semaphore(limits.threads());
    this.encodedBytes = new ByteAccount(limits.encodedBytes());
    this.decodedBytes = new ByteAccount(limits.decodedBytes());
  }

  private static ThreadPoolExecutor pool(
      String name, int threads, BlockingQueue<Runnable> waiting) {
    AtomicInteger number = new AtomicInteger();
    return new ThreadPoolExecutor(
        threads,
        threads,
        0,
        TimeUnit.SECONDS,
        waiting,
        work -> {
          Thread thread = new Thread(work, name + "-" + number.incrementAndGet());
          thread.setDaemon(true);
          return thread;
        });
  }

  /** A frame on its way. Only one thread at a time works on it. */
  private static final class Frame {
    final ImageReference reference;
    final RecognitionModels models;
    final StageTimes times = new StageTimes();
    final CompletableFuture<Recognition> answer = new CompletableFuture<>();

    Frame(ImageReference reference, RecognitionModels models) {
      this.reference = reference;
      this.models = models;
      times.lap(Stage.READ);
    }
  }

  /** Work for a worker: what was begun before comes before what was not, then as it came. */
  private record Work(boolean begun, long number, Runnable step)
      implements Runnable, Comparable<Work> {
    @Override
    public void run() {
      step.run();
    }

    @Override
    public int compareTo(Work other) {
      return begun == other.begun ? Long.compare(number, other.number) : begun ? -1 : 1;
    }
  }

  /**
   * Takes a frame up and returns at once.
   *
   * @return completes with {@link RejectedException} for what becomes a dead letter, and with an
   *     Error where not the frame but this process is to blame; cancelled, the frame is dropped if
   *     it was not begun
   */
  public CompletableFuture<Recognition> submit(ImageReference reference) {
    Frame frame = new Frame(reference, models.get());
    inHand.add(frame);
    frame.answer.whenComplete((seen, failure) -> inHand.remove(frame));
    if (closed) {
      frame.answer.cancel(false);
    } else {
      fetching.execute(() -> step(frame, () -> fetch(frame)));
    }
    return frame.answer;
  }

  /** Frames that were submitted and are not answered yet. */
  public int inHand() {
    return inHand.size();
  }

  /** Encoded images in hand. */
  long encodedBytes() {
    return encodedBytes.taken();
  }

  private interface Step {
    void run() throws RejectedException, InterruptedException;
  }

  /** Whatever goes wrong is this frame's alone; no thread and no permit is lost by it. */
  private void step(Frame frame, Step step) {
    if (frame.answer.isDone()) {
      return;
    }
    try {
      step.run();
    } catch (RejectedException e) {
      fail(frame, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      frame.answer.cancel(false);
    } catch (RuntimeException | StackOverflowError e) {
      fail(frame, closed ? e : RejectedException.unexpected(frame.times.underWay(), e));
    } catch (Error e) {
      // No memory, a broken installation: the next frame would fare no better, and this one is
      // not to be lost for it.
      fail(frame, e);
    }
  }

  /** What fails because of a stop is no fault of the frame: the next start takes it up again. */
  private void fail(Frame frame, Throwable why) {
    if (closed) {
      frame.answer.cancel(false);
    } else {
      frame.answer.completeExceptionally(why);
    }
  }

  private void fetch(Frame frame) throws RejectedException, InterruptedException {
    fetchedAhead.acquire();
    boolean handedOn = false;
    try {
      encodedBytes.awaitRoom();
      if (frame.answer.isDone()) {
        return;
      }
      frame.times.skip();
      ImageReference reference = frame.reference;
      byte[] encoded = ImageRecognition.fetch(fetcher, reference.getUri(), reference.getSha256());
      frame.times.lap(Stage.FETCH);
      encodedBytes.take(encoded.length);
      lanes.arrived();
      work(false, () -> begin(frame, encoded));
      handedOn = true;
    } finally {
      if (!handedOn) {
        fetchedAhead.release();
      }
    }
  }

  private void work(boolean begun, Runnable step) {
    working.execute(new Work(begun, numbers.getAndIncrement(), step));
  }

  private void begin(Frame frame, byte[] encoded) {
    fetchedAhead.release();
    Encoded held = new Encoded(encoded);
    try {
      step(frame, () -> look(frame, held));
    } finally {
      lanes.gone();
      held.close();
    }
  }

  /** Encoded bytes and their place in the account, given back once. */
  private final class Encoded implements AutoCloseable {
    final byte[] bytes;
    private boolean given;

    Encoded(byte[] bytes) {
      this.bytes = bytes;
    }

    @Override
    public void close() {
      if (!given) {
        given = true;
        encodedBytes.give(bytes.length);
      }
    }
  }

  /** From the encoded image to embeddings, and on unless the gallery has to be waited for. */
  private void look(Frame frame, Encoded encoded) throws RejectedException, InterruptedException {
    long bytes = 0;
    try (Image image = decode(frame, encoded)) {
      bytes = 3L * image.width() * image.height();
      decodedBytes.take(bytes);
      List<PixelBox> regions = frame.reference.getRegions().stream().map(Boxes::toPixels).toList();
      List<ObjectBox> boxes = recognition(frame).detect(image, regions);
      frame.times.lap(Stage.DETECT);
      List<float[]> embeddings = recognition(frame).extract(image, boxes);
      frame.times.lap(Stage.EXTRACT);
      Embedded embedded = new Embedded(image.width(), image.height(), boxes, embeddings);
      Long wanted = frame.reference.getMinGalleryVersion();
      if (wanted == null || frame.models.gallery().state().version() >= wanted) {
        answer(frame, embedded, null);
      } else {
        galleryWait.await(
            frame.models.gallery(),
            wanted,
            partial -> work(true, () -> step(frame, () -> answer(frame, embedded, partial))));
      }
    } finally {
      decodedBytes.give(bytes);
    }
  }

  private Image decode(Frame frame, Encoded encoded)
      throws RejectedException, InterruptedException {
    decodedBytes.awaitRoom();
    decoding.acquire();
    try (encoded) {
      frame.times.skip();
      Image image = new ImageRecognition(frame.models).decode(encoded.bytes);
      frame.times.lap(Stage.DECODE);
      return image;
    } finally {
      decoding.release();
    }
  }

  private void answer(Frame frame, Embedded embedded, @Nullable String partial)
      throws RejectedException {
    frame.times.skip();
    frame.answer.complete(
        new ImageRecognition(frame.models)
            .answer(embedded, frame.models.filters().of(frame.reference), frame.times, partial));
  }

  /** The next run of a model has all threads or one, as it is by then. */
  private ImageRecognition recognition(Frame frame) {
    return new ImageRecognition(lanes.areCrowded() ? frame.models.onOneThread() : frame.models);
  }

  /** Finishes the frames that workers have begun and cancels all others. Idempotent. */
  @Override
  public void close() {
    closed = true;
    fetching.shutdownNow();
    galleryWait.close();
    working.getQueue().clear();
    working.shutdown();
    boolean interrupted = false;
    try {
      working.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      interrupted = true;
    }
    CancellationException stopped = new CancellationException("the service stops");
    new ArrayList<>(inHand).forEach(frame -> frame.answer.completeExceptionally(stopped));
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
